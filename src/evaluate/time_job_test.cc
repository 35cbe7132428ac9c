#include "evaluate/time_job.h"

#include <gmock/gmock.h>

#include "evaluate/job_fixture.h"

namespace kerf {
namespace {

using ::testing::ElementsAre;
using TimeJob = JobFixture;
using enum Baseline;

TEST_F(TimeJob, ComparesAScreenWithEagerAndAConfirmationWithAllThereAre) {
  EXPECT_THAT(wanted_baselines(*shared, candidate()), ElementsAre(eager));
  EXPECT_THAT(wanted_baselines(*shared, candidate(Effort::confirm)), ElementsAre(eager, compile));
  shared->settled.insert({problem->workloads.front().id, compile});
  EXPECT_THAT(wanted_baselines(*shared, candidate()), ElementsAre(eager, compile)) << "it is ready";
  use({.max_autotune = true});
  EXPECT_THAT(wanted_baselines(*shared, candidate()), ElementsAre(eager));
  EXPECT_THAT(wanted_baselines(*shared, candidate(Effort::confirm)), ElementsAre(eager, compile, max_autotune));
}

TEST_F(TimeJob, AsksOnceForABaselineThatThisMachineCannotHave) {
  auto c = candidate(Effort::confirm);
  c.wanted = {eager, compile};
  int asked = 0;
  oracle.on_prepare = [&](const std::string&, Baseline baseline) -> Result<> {
    ++asked;
    if (baseline == compile) return fail(ErrorKind::unavailable, "no compiler");
    return {};
  };
  ASSERT_TRUE(prepare_baselines(*shared, c));
  ASSERT_TRUE(time_picked(*shared, c));
  EXPECT_EQ(asked, 2);
  EXPECT_FALSE(c.timed.finding);
  EXPECT_EQ(c.timed.receipt.unavailable.at("compile"), "no compiler");
  EXPECT_TRUE(c.timed.receipt.speedup.contains("eager"));
  EXPECT_FALSE(c.timed.receipt.speedup.contains("compile"));
}

TEST_F(TimeJob, HoldsNothingWhileBaselinesAreMadeReadyForTheFirstTime) {
  auto c = candidate(Effort::confirm);
  c.wanted = {eager, compile};
  ASSERT_TRUE(settle_baselines(*shared, c));
  EXPECT_THAT(oracle.prepared_while_held, ElementsAre(false, false)) << "the oracle takes the device as it needs it";
  shared->baselines.clear();  // as after a failure of the oracle
  ASSERT_TRUE(time_picked(*shared, c));
  EXPECT_THAT(oracle.prepared_while_held, ElementsAre(false, false, true, true)) << "what is timed holds it already";
}

TEST_F(TimeJob, ForgetsWhatWasReadyWithAnOracleThatFailed) {
  auto c = candidate();
  c.wanted = {eager};
  ASSERT_TRUE(prepare_baselines(*shared, c));
  ASSERT_EQ(shared->baselines.size(), 1U);
  oracle.on_time = [](const Trial&, Baseline, bool) -> Result<double> { return fail(ErrorKind::system, "it died"); };
  const auto timed = time_picked(*shared, c);
  ASSERT_FALSE(timed);
  EXPECT_EQ(timed.error().kind, ErrorKind::system);
  EXPECT_TRUE(shared->baselines.empty());
  EXPECT_EQ(shared->trials.size(), 0U);
}

TEST_F(TimeJob, MeasuresWhatSeemsFasterThanLightTwiceAndQuarantinesIt) {
  use({.limits = {.bytes_per_us = 1, .operations_per_us = 1000, .threads = 2}});  // 256 bytes: 256 us
  auto c = candidate();
  c.wanted = {eager};
  runner->program = [](const LoadRequest&) { return ScriptedRunner::honest(50); };
  ASSERT_TRUE(time_picked(*shared, c));
  EXPECT_TRUE(c.timed.receipt.quarantined);
  EXPECT_EQ(runner->loads, 2);
  runner->loads = 0;
  runner->program = [](const LoadRequest&) { return ScriptedRunner::honest(512); };
  ASSERT_TRUE(time_picked(*shared, c));
  EXPECT_FALSE(c.timed.receipt.quarantined);
  EXPECT_EQ(runner->loads, 1);
  EXPECT_NEAR(*c.timed.receipt.fraction_of_speed_of_light, 0.5, 1e-9);
}

TEST_F(TimeJob, HasNoTimeOfAPlanThatIsNoGraphAndSaysWhy) {
  use({.graph = true});
  auto c = candidate();
  c.wanted = {eager};
  runner->program = [](const LoadRequest&) {
    return [](const RunRequest& request, int) -> Result<RunReport> {
      EXPECT_TRUE(request.graph);
      return fail(ErrorKind::unavailable, "unavailable: it waits for the device");
    };
  };
  ASSERT_TRUE(time_picked(*shared, c));
  EXPECT_EQ(c.untimed, "unavailable: it waits for the device");
  const auto receipt = receipt_without_times(*shared, c, Evidence::silicon, c.untimed);
  EXPECT_TRUE(receipt.graph);
  EXPECT_FALSE(receipt.timed());
  EXPECT_EQ(receipt.unavailable.at("time"), c.untimed);
  EXPECT_EQ(receipt.versions.at("compiler"), "quiet 1");
}

}  // namespace
}  // namespace kerf
