#include "evaluate/watch_job.h"

#include <gmock/gmock.h>

#include "evaluate/job_fixture.h"

namespace kerf {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct WatchJob : JobFixture {
  std::vector<std::optional<std::vector<int>>> asked;  // by run

  // Timed, with a runner that watches and says `watched` of the run that is watched.
  CandidateState timed(double us = 100) {
    runner->watching = true;
    auto c = candidate();
    c.timed.receipt.time_us = Estimate{.median = us, .low = us, .high = us, .samples = 9};
    c.timed.step_us = {us};
    return c;
  }
  void answers(std::function<Result<std::optional<RunWatch>>()> watched) {
    runner->program = [this, watched = std::move(watched)](const LoadRequest&) -> ScriptedRunner::Run {
      return [this, watched](const RunRequest& request, int) -> Result<RunReport> {
        asked.push_back(request.watch);
        RunReport report;
        if (request.watch) report.watched = TRY(watched());
        return report;
      };
    };
  }
};

TEST_F(WatchJob, IsOfCandidatesInCppWhoseRunnerWatches) {
  auto c = timed();
  EXPECT_TRUE(can_be_watched(c));
  runner->watching = false;
  EXPECT_FALSE(can_be_watched(c));
  runner->watching = true;
  c.candidate.language = Language::triton;
  EXPECT_FALSE(can_be_watched(c));
}

TEST_F(WatchJob, WatchesTheThirdRunOfAProcessOfItsOwn) {
  answers([] { return RunWatch{.page_fault_us = 0.5, .steps = {{.step = 0, .tasks = 64}}}; });
  auto c = timed();
  ASSERT_TRUE(watch_picked(*shared, c));
  EXPECT_EQ(runner->loads, 1);
  EXPECT_THAT(asked, ElementsAre(std::nullopt, std::nullopt, std::vector<int>{0}))
      << "all memory has its pages by then";
  ASSERT_TRUE(c.watched);
  EXPECT_EQ(c.watched->steps.front().tasks, 64);
  EXPECT_THAT(c.timed.receipt.unavailable, IsEmpty());
}

TEST_F(WatchJob, SaysWhatWasNotLookedAt) {
  answers([] { return RunWatch{.steps = {{.step = 0, .tasks = 64, .no_lines = "too much memory"}}}; });
  auto c = timed();
  ASSERT_TRUE(watch_picked(*shared, c));
  EXPECT_EQ(c.timed.receipt.unavailable.at("shared_lines"), "unavailable: too much memory");
}

TEST_F(WatchJob, LooksAtNoStepThatWouldTakeTooLong) {
  answers([] { return RunWatch{}; });
  auto c = timed(5e6);
  ASSERT_TRUE(watch_picked(*shared, c));
  EXPECT_THAT(asked.back(), testing::Optional(IsEmpty())) << "page faults are counted all the same";
  EXPECT_THAT(c.timed.receipt.unavailable.at("threads"), HasSubstr("unavailable: to look at relu would take"));
}

TEST_F(WatchJob, ThatFailsLeavesTheReceiptAndSaysWhy) {
  answers([]() -> Result<std::optional<RunWatch>> { return fail(ErrorKind::system, "the runner is gone"); });
  auto c = timed();
  c.watched = RunWatch{};
  ASSERT_TRUE(watch_picked(*shared, c));
  EXPECT_FALSE(c.watched) << "what another pick showed is not this one's";
  EXPECT_EQ(c.timed.receipt.unavailable.at("threads"), "the runner is gone");
}

TEST_F(WatchJob, ThatARunnerSaysNothingOfIsSaidToo) {
  answers([] { return std::optional<RunWatch>(); });
  auto c = timed();
  ASSERT_TRUE(watch_picked(*shared, c));
  EXPECT_FALSE(c.watched);
  EXPECT_EQ(c.timed.receipt.unavailable.at("threads"), "unavailable: the runner did not say what it saw");
}

TEST_F(WatchJob, ThatACandidateDiesOfIsNoVerdictAndOneThatWritesToItsInputIs) {
  answers([]() -> Result<std::optional<RunWatch>> {
    return std::unexpected(ScriptedRunner::failure("crashed", "timeout", "it takes too long"));
  });
  auto c = timed();
  ASSERT_TRUE(watch_picked(*shared, c));
  EXPECT_THAT(c.timed.receipt.unavailable.at("threads"), HasSubstr("in a run that is watched it takes too long"));
  oracle.on_intact = [](const Trial&) { return false; };
  const auto caught = watch_picked(*shared, c);
  ASSERT_FALSE(caught);
  EXPECT_EQ(caught.error().kind, ErrorKind::candidate);
  EXPECT_THAT(caught.error().facts, ::testing::Contains(::testing::Pair("rule", "writes_input")));
}

}  // namespace
}  // namespace kerf
