#include "evaluate/verify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "evaluate/fake_oracle.h"
#include "evaluate/scripted_runner.h"

namespace kerf {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

Source source_writing(const std::string& output) {
  Source source;
  Step step;
  step.kind = Step::Kind::launch;
  step.target = {.text = "k", .at = {6, 11}};
  PlanArgument x, out;
  x.is = Located{.text = "x", .at = {8, 9}};
  out.is = Located{.text = output, .at = {8, 14}};
  step.args = {x, out};
  source.plan.steps = {step};
  return source;
}

struct Verify : ::testing::Test {
  FakeOracle oracle;
  ScriptedRunner runner;
  FakeMachineWatch watch;
  TrialPool trials{oracle};
  Understood problem = *oracle.admit({.id = "fake/1/1"}, 1);
  Source source = source_writing("out");
  Image image;
  Random random{7};

  VerifyTools tools() { return {.oracle = oracle, .runner = runner, .trials = trials, .watch = watch, .threads = 2}; }
  Result<Verification> all() { return verify_all(tools(), problem, source, image, {}, random, true); }
  Result<Verification> small() { return verify_small(tools(), problem, source, image, {}, random); }
  // Judges as wrong whenever `bad` says so.
  void judge_wrong_if(std::function<bool(const Trial&, int)> bad) {
    oracle.on_judge = [bad, n = 0](const Trial& trial, const Arena& outputs, std::uint64_t,
                                   bool) mutable -> Result<Judgement> {
      Judgement j{.right = !bad(trial, n++), .outputs = {}};
      OutputJudgement o{.name = outputs.tensors[0].name, .right = j.right, .max_error = 2, .allowed = 1e-6};
      if (!j.right) {
        o.wrong = 1;
        o.first_wrong = {0, 3};
        o.box = {{0, 0}, {3, 3}};
      }
      j.outputs = {o};
      return j;
    };
  }
};

TEST_F(Verify, FindsNothingAgainstARightCandidate) {
  const auto v = all();
  ASSERT_TRUE(v) << v.error().message;
  EXPECT_FALSE(v->finding);
  EXPECT_EQ(v->variants, 1);
  EXPECT_EQ(v->variants_supported, 1);
  EXPECT_EQ(runner.loads, 2) << "one process a workload";
  std::vector<std::string> distributions, orders, placements;
  for (const auto& check : v->checks) {
    EXPECT_TRUE(check.passed);
    distributions.push_back(check.detail.at("distribution"));
    orders.push_back(check.detail.at("order"));
    placements.push_back(check.detail.at("placement"));
  }
  EXPECT_THAT(distributions, Contains("heavy_tailed"));
  EXPECT_THAT(orders, Contains("descending"));
  EXPECT_THAT(placements, Contains("back"));
}

TEST_F(Verify, RunsOnceMoreInAnotherOrderOnlyWhereARunnerKeepsOne) {
  const auto ordered = all();
  const int runs = runner.runs;
  runner.orders = false;
  const auto unordered = all();
  ASSERT_TRUE(ordered && unordered);
  EXPECT_EQ(runner.runs - runs, runs - 1);
}

TEST_F(Verify, AsksForNoOrderOfARunnerThatKeepsNoneAndRunsVariantsTwiceAllTheSame) {
  runner.orders = false;
  std::map<std::string, int> runs;  // by workload
  runner.program = [&](const LoadRequest& load) -> ScriptedRunner::Run {
    return [&runs, id = load.workload->id](const RunRequest& request, int) -> Result<RunReport> {
      ++runs[id];
      EXPECT_EQ(request.order, TaskOrder::dynamic);
      return RunReport{.device_us = 10, .parent_us = 11};
    };
  };
  ASSERT_TRUE(small());
  ASSERT_TRUE(all());
  EXPECT_FALSE(runs.empty());
  for (const auto& [workload, count] : runs) EXPECT_GE(count, 2) << workload;
}

TEST_F(Verify, SaysWhereAndOnWhatAnOutputIsWrong) {
  judge_wrong_if([](const Trial& trial, int) { return trial.distribution == "heavy_tailed"; });
  const auto v = all();
  ASSERT_TRUE(v && v->finding);
  EXPECT_EQ(v->finding->verdict, Verdict::wrong);
  EXPECT_EQ(v->finding->rule, "fp64_error");
  EXPECT_EQ(v->finding->at, (Location{6, 11})) << "the last step that writes the output";
  EXPECT_THAT(v->finding->message, HasSubstr("out[0, 3]"));
  EXPECT_THAT(v->finding->message, HasSubstr("heavy_tailed"));
  EXPECT_FALSE(v->checks.back().passed);
}

TEST_F(Verify, LooksAtASmallHiddenVariantFirst) {
  judge_wrong_if([](const Trial& trial, int) { return trial.workload == "fake-3x7"; });
  const auto v = small();
  ASSERT_TRUE(v && v->finding);
  EXPECT_THAT(v->finding->message, HasSubstr("variant 1: x f32[3, 7]"));
  EXPECT_EQ(runner.loads, 1);
}

// The first process hangs, later ones do not.
TEST_F(Verify, GivesASlowRunAnotherTryOnlyWhereOthersUseTheMachine) {
  std::vector<std::chrono::milliseconds> limits;
  runner.program = [&](const LoadRequest&) -> ScriptedRunner::Run {
    return [&, first = runner.loads == 1](const RunRequest& request, int) -> Result<RunReport> {
      limits.push_back(request.limit);
      if (first) return std::unexpected(ScriptedRunner::failure("timed_out", "time_limit", "still running"));
      return RunReport{};
    };
  };
  EXPECT_TRUE(small()->finding) << "on a quiet machine slow is slow";
  runner.loads = 0;
  limits.clear();
  watch.loads = {MachineLoad{.running = 5, .cores = 2, .stolen = 0}};
  const auto v = small();
  ASSERT_TRUE(v) << v.error().message;
  EXPECT_FALSE(v->finding);
  for (const auto& check : v->checks) EXPECT_TRUE(check.passed);
  EXPECT_GE(limits.at(1), 4 * limits.at(0));
  // Others that /proc/stat does not show.
  runner.loads = 0;
  watch.loads = {MachineLoad{.running = 1, .cores = 2, .stolen = 0}};
  runner.handover = [] { return 8000.0; };
  EXPECT_FALSE(small()->finding);
}

TEST_F(Verify, CallsARunThatIsSlowTwiceHanging) {
  watch.loads = {MachineLoad{.running = 5, .cores = 2, .stolen = 0}};
  runner.program = [](const LoadRequest&) {
    return [](const RunRequest&, int) -> Result<RunReport> {
      return std::unexpected(ScriptedRunner::failure("timed_out", "time_limit", "still running"));
    };
  };
  const auto v = small();
  ASSERT_TRUE(v && v->finding);
  EXPECT_EQ(v->finding->verdict, Verdict::timed_out);
  EXPECT_EQ(runner.loads, 2);
}

TEST_F(Verify, FillsEveryRunWithAnotherSentinel) {
  std::vector<std::uint64_t> sentinels;
  runner.program = [&](const LoadRequest&) {
    return [&](const RunRequest& request, int) -> Result<RunReport> {
      sentinels.push_back(request.sentinel);
      return RunReport{};
    };
  };
  ASSERT_TRUE(all());
  auto unique = sentinels;
  std::ranges::sort(unique);
  EXPECT_EQ(std::ranges::unique(unique).size(), 0U);
  EXPECT_GE(sentinels.size(), 6U);
}

// Writes the run's number into the first output byte.
ScriptedRunner::Run counting() {
  return [](const RunRequest& request, int run) -> Result<RunReport> {
    request.outputs->memory.bytes()[request.outputs->tensors[0].offset] = static_cast<std::byte>(run);
    return RunReport{};
  };
}

TEST_F(Verify, NotesRunsThatDifferWithinTheBudget) {
  runner.program = [](const LoadRequest&) { return counting(); };
  const auto v = all();
  ASSERT_TRUE(v);
  EXPECT_FALSE(v->finding);
  const auto repeatable = std::ranges::find(v->checks, "repeatable", &Check::name);
  ASSERT_NE(repeatable, v->checks.end());
  EXPECT_TRUE(repeatable->passed);
  EXPECT_EQ(repeatable->detail.at("differ"), 1);
}

TEST_F(Verify, CallsACandidateWrongWhoseSecondRunIs) {
  runner.program = [](const LoadRequest&) { return counting(); };
  judge_wrong_if([](const Trial&, int judgement) { return judgement == 1; });
  const auto v = all();
  ASSERT_TRUE(v && v->finding);
  EXPECT_EQ(v->finding->rule, "differs_between_runs");
}

TEST_F(Verify, SeesAWriteJustBehindAnOutput) {
  runner.program = [](const LoadRequest&) {
    return [](const RunRequest& request, int) -> Result<RunReport> {
      const auto& out = request.outputs->tensors[0];
      if (request.trial->workload == "fake-3x7") {  // 84 bytes: room to the next multiple of 64
        request.outputs->memory.bytes()[out.offset + out.spec.storage_bytes() + 4] ^= std::byte{1};
      }
      return RunReport{};
    };
  };
  const auto v = all();
  ASSERT_TRUE(v && v->finding);
  EXPECT_EQ(v->finding->rule, "out_of_bounds_write");
  EXPECT_THAT(v->finding->message, HasSubstr("4 bytes behind"));
}

TEST_F(Verify, CallsACandidateWrongThatWritesToItsInputsAndDrawsThemAnew) {
  oracle.on_intact = [](const Trial& trial) { return trial.distribution != "heavy_tailed"; };
  const auto v = all();
  ASSERT_TRUE(v && v->finding);
  EXPECT_EQ(v->finding->verdict, Verdict::wrong);
  EXPECT_EQ(v->finding->rule, "writes_input");
  EXPECT_THAT(v->finding->message, HasSubstr("heavy_tailed"));
  EXPECT_EQ(trials.size(), 0U) << "the next candidate does not meet what this one left";
}

TEST_F(Verify, TakesACrashAsAResult) {
  runner.program = [](const LoadRequest&) {
    return [](const RunRequest&, int) -> Result<RunReport> {
      return std::unexpected(ScriptedRunner::failure("crashed", "segfault", "reads in front of x"));
    };
  };
  const auto v = all();
  ASSERT_TRUE(v && v->finding);
  EXPECT_EQ(v->finding->verdict, Verdict::crashed);
  EXPECT_EQ(v->finding->rule, "segfault");
  EXPECT_EQ(v->finding->at, (Location{6, 11}));
}

TEST_F(Verify, NamesATaskThatWaitsForAnother) {
  runner.program = [](const LoadRequest&) {
    return [](const RunRequest& request, int) -> Result<RunReport> {
      if (request.order == TaskOrder::descending) {
        return std::unexpected(ScriptedRunner::failure("timed_out", "timed_out", "still running after 3 s"));
      }
      return RunReport{};
    };
  };
  const auto v = all();
  ASSERT_TRUE(v && v->finding);
  EXPECT_EQ(v->finding->verdict, Verdict::timed_out);
  EXPECT_EQ(v->finding->rule, "task_order");
}

TEST_F(Verify, HandsFailuresOfOursBack) {
  oracle.on_judge = [](const Trial&, const Arena&, std::uint64_t, bool) {
    return fail(ErrorKind::system, "the oracle died");
  };
  const auto v = all();
  ASSERT_FALSE(v);
  EXPECT_EQ(v.error().kind, ErrorKind::system);
}

TEST_F(Verify, LeavesOutVariantsWithOtherOutputs) {
  problem.workloads[1].outputs.push_back(problem.workloads[1].outputs[0]);
  const auto v = all();
  ASSERT_TRUE(v && !v->finding);
  EXPECT_EQ(v->variants_supported, 0);
}

TEST(WaitingLoop, IsFoundByWhatItReads) {
  const char* text =
      "extern \"C\" void k(int64_t* done, int64_t row) {\n  for (;;) break;\n  while (__atomic_load_n(done, 2) < row) "
      "{}\n}\n";
  EXPECT_EQ(waiting_loop(text, "k"), (Location{3, 3}));
  EXPECT_FALSE(waiting_loop("extern \"C\" void k(int64_t row) {\n  while (row) --row;\n}\n", "k"));
}

TEST(RunLimit, GrowsWithTheWorkloadAndHasAnEnd) {
  auto w = fake_workload();
  w.eager_us = 10'000;
  EXPECT_EQ(run_limit(w, TaskOrder::dynamic, 2).count(), 4000);
  EXPECT_EQ(run_limit(w, TaskOrder::descending, 2).count(), 5000);
  w.eager_us = 1e9;
  EXPECT_EQ(run_limit(w, TaskOrder::dynamic, 2).count(), 60'000);
}

}  // namespace
}  // namespace kerf
