#include "evaluate/trace_job.h"

#include <gmock/gmock.h>

#include "evaluate/job_fixture.h"

namespace kerf {
namespace {

struct TraceJob : JobFixture {
  // Timed against eager, and asked why.
  CandidateState timed() {
    auto c = candidate();
    c.request.profile = true;
    c.timed.receipt.baselines["eager"] = Estimate{.median = 100};
    return c;
  }
};

TEST_F(TraceJob, TakesNoneThatNobodyAskedFor) {
  auto c = timed();
  c.request.profile = false;
  EXPECT_FALSE(needs_traces(*shared, c));
  c.request.traces = true;
  EXPECT_TRUE(needs_traces(*shared, c)) << "without a profile, too";
}

TEST_F(TraceJob, SaysWhyThereIsNoneAndDoesNotAskAgain) {
  auto c = timed();
  ASSERT_TRUE(needs_traces(*shared, c));
  trace_baselines(*shared, c);
  keep_traces(*shared, c);
  EXPECT_EQ(c.timed.receipt.unavailable.at("trace.eager"), "unavailable: this oracle takes no traces");
  EXPECT_TRUE(c.known_traces.empty());
  auto next = timed();
  EXPECT_FALSE(needs_traces(*shared, next)) << "it is known of this workload";
  EXPECT_EQ(next.timed.receipt.unavailable.at("trace.eager"), "unavailable: this oracle takes no traces");
  next = timed();
  next.timed.receipt.baselines["compile"] = Estimate{.median = 80};
  EXPECT_TRUE(needs_traces(*shared, next)) << "of another baseline it is not";
  EXPECT_EQ(next.traces.size(), 1U);
}

}  // namespace
}  // namespace kerf
