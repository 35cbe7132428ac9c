// What an evaluation says of why a candidate is slow: models of loops, watched runs, profiles.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "evaluate/local_evaluation_fixture.h"

namespace kerf {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST_F(LocalEvaluation, LoopsAreModelledOfWhatWillBeBuiltOn) {
  int asked = 0;
  options.model_loop = [&asked](const std::string& /*object*/, std::string_view kernel) -> Result<HotLoop> {
    ++asked;
    EXPECT_EQ(kernel, "relu");
    HotLoop hot;
    hot.model.cycles = 4;
    hot.model.port_cycles = 1;
    return hot;
  };
  double us = 50;
  runner.program = [&us](const LoadRequest&) { return ScriptedRunner::honest(us); };
  const auto first = evaluate(relu);
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(asked, 1);
  EXPECT_EQ(first->diagnosis.metrics.at("loop.cycles").value, 4);
  EXPECT_EQ(first->diagnosis.metrics.at("loop.cycles").evidence, Evidence::statically);
  us = 60;
  const auto slower = evaluate(std::string(relu) + "// slower\n");
  EXPECT_EQ(asked, 1) << "nothing will be built on it";
  EXPECT_FALSE(slower->diagnosis.metrics.contains("loop.cycles"));
}

TEST_F(LocalEvaluation, ThreadsAreWatchedOfWhatWillBeBuiltOn) {
  runner.watching = true;
  double us = 50;
  int watched = 0;
  runner.program = [&](const LoadRequest&) -> ScriptedRunner::Run {
    return [&](const RunRequest& request, int run) -> Result<RunReport> {
      RunReport report = TRY(ScriptedRunner::honest(us)(request, run));
      if (!request.watch) return report;
      ++watched;
      EXPECT_EQ(run, 2) << "after one that binds the plan, and one in which calls get their memory";
      EXPECT_EQ(*request.watch, std::vector{0});
      EXPECT_FALSE(request.timed);
      report.watched = RunWatch{
          .page_fault_us = 1,
          .nodes = 1,
          .steps = {{.step = 0, .page_faults = 3, .tasks = 1, .busiest_us = {40}, .all_us = {40}, .chunk_us = {40}}}};
      return report;
    };
  };
  options.threads = 2;
  const auto first = evaluate(relu);
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(watched, 1);
  EXPECT_EQ(first->diagnosis.metrics.at("imbalance").value, 2);
  EXPECT_EQ(first->diagnosis.metrics.at("page_faults").value, 3);
  ASSERT_FALSE(first->diagnosis.causes.empty());
  EXPECT_EQ(first->diagnosis.causes[0].name, "imbalance");
  us = 60;
  ASSERT_TRUE(evaluate(std::string(relu) + "// slower\n"));
  EXPECT_EQ(watched, 1) << "nothing will be built on it";
}

TEST_F(LocalEvaluation, WhatWouldTakeTooLongToWatchIsLeftOutAndTheReceiptSaysSo) {
  runner.watching = true;
  std::optional<std::vector<int>> asked;
  runner.program = [&](const LoadRequest&) -> ScriptedRunner::Run {
    return [&](const RunRequest& request, int run) -> Result<RunReport> {
      RunReport report = TRY(ScriptedRunner::honest(1e6)(request, run));
      if (request.watch) {
        asked = request.watch;
        report.watched.emplace();
      }
      return report;
    };
  };
  const auto e = evaluate(relu);
  ASSERT_TRUE(e) << e.error().message;
  ASSERT_TRUE(asked);
  EXPECT_TRUE(asked->empty()) << "page faults are counted all the same";
  EXPECT_THAT(e->receipt->unavailable.at("threads"), HasSubstr("to look at relu would take"));
}

TEST_F(LocalEvaluation, ACandidateThatEndsWhenItIsWatchedKeepsItsVerdictAndTheReceiptSaysSo) {
  runner.watching = true;
  runner.program = [](const LoadRequest&) -> ScriptedRunner::Run {
    return [](const RunRequest& request, int run) -> Result<RunReport> {
      if (request.watch) return std::unexpected(ScriptedRunner::failure("crashed", "signal", "relu was ended"));
      return ScriptedRunner::honest(50)(request, run);
    };
  };
  const auto e = evaluate(relu);
  ASSERT_TRUE(e) << e.error().message;
  EXPECT_EQ(e->verdict, Verdict::measured);
  EXPECT_THAT(e->receipt->unavailable.at("threads"), HasSubstr("relu was ended"));
  EXPECT_FALSE(e->diagnosis.metrics.contains("imbalance"));
}

TEST_F(LocalEvaluation, WhyThereIsNoModelIsInTheReceipt) {
  options.model_loop = [](const std::string&, std::string_view) -> Result<HotLoop> {
    return fail(ErrorKind::unavailable, "unavailable: llvm-mca is not installed (llvm-19)");
  };
  const auto e = evaluate(relu);
  ASSERT_TRUE(e) << e.error().message;
  EXPECT_EQ(e->verdict, Verdict::measured);
  EXPECT_THAT(e->receipt->unavailable.at("loop"), HasSubstr("llvm-mca"));
}

struct Profiling : LocalEvaluation {
  int profiles = 0;
  Profiling() {
    options.gpu = GpuLimits{.sms = 132,
                            .threads_per_block = 1024,
                            .warps_per_sm = 64,
                            .blocks_per_sm = 32,
                            .registers_per_sm = 65536,
                            .registers_per_thread = 255,
                            .shared_per_sm = 233472};
    runner.on_profile = [this](const std::vector<int>& steps) -> Result<ProfileAnswer> {
      ++profiles;
      EXPECT_THAT(steps, ElementsAre(0));
      return ProfileAnswer{.launches = {{.step = 0,
                                         .threads = 256,
                                         .blocks = 20,
                                         .registers = 32,
                                         .counters = {{"gpu__time_duration.sum", 49'000.0},
                                                      {"gpu__dram_throughput.avg.pct_of_peak_sustained_elapsed", 3}}}}};
    };
  }
};

TEST_F(Profiling, OfTheFastestSoFarTheConfirmedAndThoseAskedFor) {
  const auto first = evaluate(relu);
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(profiles, 1);
  EXPECT_TRUE(std::ranges::any_of(first->jobs, [](const JobRecord& job) { return job.kind == "profile"; }));
  EXPECT_TRUE(first->diagnosis.bound);
  EXPECT_DOUBLE_EQ(first->diagnosis.metrics.at("time.kernel").value, 49);
  runner.program = [](const LoadRequest&) { return ScriptedRunner::honest(80); };
  const auto slower = evaluate(std::string(relu) + "// slower\n");
  ASSERT_TRUE(slower) << slower.error().message;
  EXPECT_EQ(profiles, 1);
  EXPECT_FALSE(slower->diagnosis.metrics.contains("time.kernel"));
  const auto confirmed = evaluate(std::string(relu) + "// slower\n", Effort::confirm);
  ASSERT_TRUE(confirmed) << confirmed.error().message;
  EXPECT_EQ(profiles, 2);
  EXPECT_THAT(runner.profiled, ElementsAre(Effort::screen, Effort::confirm));
  EXPECT_THAT(runner.foreseen, ElementsAre(HasSubstr(" screen"), HasSubstr(" screen"), HasSubstr(" confirm")))
      << "of each that is compiled: which is the fastest is known when it is timed";
}

TEST_F(Profiling, WhatCannotBeProfiledIsMeasuredAllTheSame) {
  runner.on_profile = [](const std::vector<int>&) -> Result<ProfileAnswer> {
    return fail(ErrorKind::unavailable, "unavailable: no rights");
  };
  const auto e = evaluate(relu);
  ASSERT_TRUE(e) << e.error().message;
  EXPECT_EQ(e->verdict, Verdict::measured);
  EXPECT_EQ(e->receipt->unavailable.at("profile"), "unavailable: no rights");
  EXPECT_TRUE(e->diagnosis.causes.empty());
}

TEST_F(Profiling, APlanThatIsNoGraphIsRightAndHasNoTime) {
  options.graph = true;
  runner.program = [](const LoadRequest&) -> ScriptedRunner::Run {
    return [](const RunRequest& request, int) -> Result<RunReport> {
      EXPECT_EQ(request.graph, request.timed);
      if (request.timed)
        return fail(ErrorKind::unavailable, "unavailable: the plan cannot be captured as a graph: it waits");
      return RunReport{.device_us = 10, .parent_us = 11};
    };
  };
  const auto e = evaluate(relu);
  ASSERT_TRUE(e) << e.error().message;
  EXPECT_EQ(e->verdict, Verdict::measured);
  ASSERT_TRUE(e->receipt);
  EXPECT_FALSE(e->receipt->timed());
  EXPECT_TRUE(e->receipt->graph);
  EXPECT_EQ(e->receipt->evidence, Evidence::silicon);
  EXPECT_THAT(e->receipt->unavailable.at("time"), HasSubstr("cannot be captured"));
  EXPECT_EQ(profiles, 0);
  const auto again = evaluation_from_json(to_json(*e));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_TRUE(again->receipt->graph);
  EXPECT_FALSE(again->receipt->timed());
}

TEST_F(Profiling, EndingUnderTheProfilerIsNoVerdict) {
  runner.on_profile = [](const std::vector<int>&) -> Result<ProfileAnswer> {
    return std::unexpected(ScriptedRunner::failure("timed_out", "time_limit", "relu was still running after 9 ms"));
  };
  const auto e = evaluate(relu);
  ASSERT_TRUE(e) << e.error().message;
  EXPECT_EQ(e->verdict, Verdict::measured);
  EXPECT_THAT(e->receipt->unavailable.at("profile"), HasSubstr("in a run that is watched relu was still running"));
}

}  // namespace
}  // namespace kerf
