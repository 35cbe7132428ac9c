#include "evaluate/tuning.h"

#include <gtest/gtest.h>

#include "evaluate/timing_fixture.h"

namespace kerf {
namespace {

struct Tuning : Timing {
  std::vector<TunePoint> points;
  std::vector<Image> images;
  std::vector<double> us;
  void with(std::vector<double> times) {
    us = std::move(times);
    for (std::size_t i = 0; i < us.size(); ++i) {
      points.push_back({{"BLOCK", Value{static_cast<std::int64_t>(i)}}});
      images.emplace_back();
      images.back().digest = std::to_string(i);
    }
    runner.program = [this](const LoadRequest& request) {
      const double time = us[static_cast<std::size_t>(std::stoi(request.image->digest))];
      return [this, time](const RunRequest&, int) -> Result<RunReport> {
        if (time < 0) return std::unexpected(ScriptedRunner::failure("crashed", "segfault", "died"));
        return RunReport{.device_us = time * (1 + 0.1 * random.uniform())};
      };
    };
  }
  Result<Tuned> pick() { return tune(tools(), source, points, images, problem.workloads[0], random); }
};

TEST_F(Tuning, PicksTheFastestPointWithFewRunsOfSlowOnes) {
  with({900, 300, 800, 130, 700, 100, 600, 500});
  const auto t = pick();
  ASSERT_TRUE(t && !t->finding);
  EXPECT_EQ(t->pick, 5U);
  EXPECT_LT(runner.runs, 8 * 3 + 3 * 17) << "slow points run once, not to the end";
}

TEST_F(Tuning, StopsWhereNothingCouldTellPointsApart) {
  with({100, 100, 100, 100, 100, 100, 100, 100});
  runner.program = [](const LoadRequest&) { return ScriptedRunner::honest(100); };
  const auto t = pick();
  ASSERT_TRUE(t && !t->finding);
  EXPECT_EQ(t->pick, 0U) << "the first in the plan's order";
  EXPECT_EQ(t->checks.back().detail.at("stopped"), "tie");
  EXPECT_EQ(runner.runs, 8 * 3 + 4 * 5);
  EXPECT_EQ(t->checks.back().detail.at("runs"), runner.runs);
}

TEST_F(Tuning, RunsWhatIsFarBehindOnce) {
  with({100, 1000, 1000, 1000});
  const auto t = pick();
  ASSERT_TRUE(t && !t->finding);
  EXPECT_EQ(t->pick, 0U);
  EXPECT_EQ(runner.runs, 3 + 3 * 2) << "one that binds, one that is timed";
}

TEST_F(Tuning, LeavesPointsOutThatCrash) {
  with({-1, 200, 100});
  const auto t = pick();
  ASSERT_TRUE(t && !t->finding);
  EXPECT_EQ(t->pick, 2U);
  EXPECT_FALSE(t->checks.front().passed);
  EXPECT_EQ(t->checks.front().detail.at("point"), "BLOCK=0");
}

TEST_F(Tuning, FindsFaultOnlyWhenNoPointRuns) {
  with({-1, -1});
  const auto t = pick();
  ASSERT_TRUE(t);
  ASSERT_TRUE(t->finding);
  EXPECT_EQ(t->finding->verdict, Verdict::crashed);
}

}  // namespace
}  // namespace kerf
