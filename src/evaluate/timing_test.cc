#include "evaluate/timing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "evaluate/outputs.h"
#include "evaluate/timing_fixture.h"

namespace kerf {
namespace {

using ::testing::HasSubstr;

TEST_F(Timing, PairsTheCandidateWithEveryBaseline) {
  runner.program = [](const LoadRequest&) { return ScriptedRunner::honest(50); };
  const auto t = time();
  ASSERT_TRUE(t) << t.error().message;
  ASSERT_FALSE(t->finding) << t->finding->message;
  EXPECT_EQ(t->receipt.time_us.median, 50);
  EXPECT_EQ(t->receipt.time_us.samples, fewest_pairs) << "steady times need no more than the minimum";
  EXPECT_NEAR(t->receipt.speedup.at("eager").value, 2, 1e-9);
  EXPECT_NEAR(t->receipt.speedup.at("compile").value, 1.6, 1e-9);
  EXPECT_EQ(t->receipt.baselines.at("compile").samples, fewest_pairs);
  EXPECT_EQ(t->receipt.raw_us.size(), 9U);
  EXPECT_EQ(t->receipt.warm_us->samples, options.warm);
  EXPECT_EQ(t->step_us, std::vector<double>{50});
}

TEST_F(Timing, ABaselineThatFindsNoRoomIsNoOpponent) {
  runner.program = [](const LoadRequest&) { return ScriptedRunner::honest(50); };
  oracle.on_time = [](const Trial&, Baseline baseline, bool) -> Result<double> {
    if (baseline == Baseline::eager) return fail(ErrorKind::unavailable, "eager found no room");
    return 80.0;
  };
  const auto t = time();
  ASSERT_TRUE(t) << t.error().message;
  ASSERT_FALSE(t->finding);
  EXPECT_EQ(t->receipt.time_us.median, 50);
  EXPECT_FALSE(t->receipt.speedup.contains("eager"));
  EXPECT_EQ(t->receipt.unavailable.at("eager"), "eager found no room");
  EXPECT_NEAR(t->receipt.speedup.at("compile").value, 1.6, 1e-9) << "each opponent keeps its own times";
}

TEST_F(Timing, TakesAsManyRunsOfTheCandidateAsAreAskedForAndNoMoreOfTheBaselines) {
  options = with_rounds(options, 100);
  runner.program = [](const LoadRequest&) { return ScriptedRunner::honest(50); };
  int baseline_runs = 0;
  oracle.on_time = [&](const Trial&, Baseline baseline, bool) -> Result<double> {
    baseline_runs += baseline == Baseline::eager ? 1 : 0;
    return 100.0;
  };
  const auto t = time();
  ASSERT_TRUE(t && !t->finding);
  EXPECT_EQ(t->receipt.time_us.samples, 100);
  EXPECT_EQ(t->receipt.raw_us.size(), 100U);
  EXPECT_EQ(t->receipt.baselines.at("eager").samples, 10);
  EXPECT_EQ(baseline_runs, 10 + 1) << "and one that nobody counts";
  EXPECT_NEAR(t->receipt.speedup.at("eager").value, 2, 1e-9);
  options = with_rounds(timing_options(Effort::confirm), fewest_pairs);
  EXPECT_EQ(time()->receipt.baselines.at("eager").samples, fewest_pairs) << "fewer than usual: all in every round";
}

struct CountingWatch final : MachineWatch {
  MachineLoad load{.running = 1, .cores = 64};
  int looks = 0;
  std::optional<MachineLoad> look() override {
    ++looks;
    return load;
  }
  void sleep(std::chrono::microseconds) override {}
  nlohmann::json describe() override { return nullptr; }
};

TEST_F(Timing, AsksADriverOnceARoundAndAMachineBeforeAndAfter) {
  runner.program = [](const LoadRequest&) { return ScriptedRunner::honest(50); };
  CountingWatch counting;
  const auto looks_a_round = [&] {
    counting.looks = 0;
    const TimingTools with{
        .oracle = oracle, .runner = runner, .trials = trials, .watch = counting, .clock = clock, .threads = 1};
    const auto t = time_candidate(with,
                                  {.source = source,
                                   .image = image,
                                   .point = point,
                                   .workload = problem.workloads[0],
                                   .baselines = baselines,
                                   .options = options},
                                  random);
    EXPECT_TRUE(t && !t->finding);
    return static_cast<double>(counting.looks) / t->receipt.time_us.samples;
  };
  EXPECT_EQ(looks_a_round(), 3);
  trials.clear();
  oracle.on_draw = [](Trial& trial) { trial.arena.device = std::make_shared<DeviceMemory>(); };
  EXPECT_LT(looks_a_round(), 1.5);
}

TEST_F(Timing, TakesMoreRoundsWhileItIsNotSureAndStopsSomewhere) {
  noisy(100, 100, 0.3);
  const auto t = time();
  ASSERT_TRUE(t && !t->finding);
  EXPECT_EQ(t->receipt.time_us.samples, options.most);
  noisy(100, 100, 0.3);
  options.budget = std::chrono::milliseconds(0);
  EXPECT_EQ(time()->receipt.time_us.samples, fewest_pairs) << "out of time: the minimum, never less";
}

TEST_F(Timing, GivesEveryRunOtherInputsOfTheSameKind) {
  std::vector<std::vector<std::byte>> seen;
  std::vector<bool> cold;
  runner.program = [&](const LoadRequest&) {
    return [&](const RunRequest& request, int) -> Result<RunReport> {
      const auto bytes = request.trial->arena.memory.bytes();
      seen.emplace_back(bytes.begin(), bytes.end());
      cold.push_back(request.cold);
      EXPECT_TRUE(request.timed);
      return RunReport{.device_us = 10, .parent_us = 11};
    };
  };
  ASSERT_TRUE(time());
  for (std::size_t i = 1; i < seen.size(); ++i) EXPECT_NE(seen[i - 1], seen[i]);
  EXPECT_EQ(std::ranges::count(cold, true), 1 + fewest_pairs);
  EXPECT_EQ(std::ranges::count(cold, false), 1 + options.warm);
}

TEST_F(Timing, LeavesAnInputAloneInWhichPlacesMeanSomething) {
  const auto changes = [&](const char* drawn, Dtype dtype) {
    NamedTensor& x = problem.workloads[0].tensors[0];
    x.drawn = drawn;
    x.spec.dtype = dtype;
    std::set<std::vector<std::byte>> seen;
    runner.program = [&](const LoadRequest&) {
      return [&](const RunRequest& request, int) -> Result<RunReport> {
        const auto& at = request.trial->arena.tensors[0];
        const auto bytes = request.trial->arena.memory.bytes().subspan(at.offset, at.spec.numel() * size_of(dtype));
        seen.emplace(bytes.begin(), bytes.end());
        return RunReport{.device_us = 10, .parent_us = 11};
      };
    };
    trials.clear();
    EXPECT_TRUE(time());
    return seen.size() > 1;
  };
  EXPECT_TRUE(changes("randn", Dtype::f32));
  EXPECT_TRUE(changes("derived", Dtype::f32));
  EXPECT_FALSE(changes("ordered", Dtype::f32));
  EXPECT_TRUE(changes("randint(0, 7)", Dtype::i32));
  EXPECT_FALSE(changes("arange", Dtype::i32));
  EXPECT_FALSE(changes("derived", Dtype::i32));
}

TEST_F(Timing, OfADeviceMakesTheNextRunReadyWhileTheDriverIsAsked) {
  oracle.on_draw = [](Trial& trial) {
    const auto data = trial.arena.memory.bytes();
    for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<std::byte>(i * 7);
    trial.arena.device = std::make_shared<DeviceMemory>();
  };
  int ahead = 0, at_once = 0;
  oracle.on_refresh = [&, here = std::this_thread::get_id()] {
    ++(std::this_thread::get_id() == here ? at_once : ahead);
  };
  // Of both sides, in the order of their runs.
  std::vector<std::vector<std::byte>> seen;
  std::set<std::uint64_t> sentinels;
  const auto look_at = [&](const Trial& trial) {
    const auto bytes = trial.arena.memory.bytes();
    seen.emplace_back(bytes.begin(), bytes.end());
  };
  oracle.on_time = [&](const Trial& trial, Baseline, bool) -> Result<double> {
    look_at(trial);
    return 100.0;
  };
  runner.program = [&](const LoadRequest&) {
    return [&](const RunRequest& request, int) -> Result<RunReport> {
      look_at(*request.trial);
      EXPECT_FALSE(find_margin_hit(*request.outputs, request.sentinel)) << "filled with what this run is told";
      EXPECT_TRUE(sentinels.insert(request.sentinel).second) << "and no other was";
      return RunReport{.device_us = 50, .parent_us = 60};
    };
  };
  options = with_rounds(options, 20);
  const auto t = time();
  ASSERT_TRUE(t && !t->finding);
  EXPECT_EQ(t->receipt.time_us.samples, 20);
  for (std::size_t i = 1; i < seen.size(); ++i) EXPECT_NE(seen[i - 1], seen[i]) << i;
  EXPECT_EQ(ahead, 20) << "after each round";
  EXPECT_EQ(at_once, 2 + options.warm)
      << "the run that nobody counts, the first that counts, warm ones but for the first";
}

TEST_F(Timing, JudgesRandomRunsAndTheLastOnChangedInputs) {
  int judged = 0;
  oracle.on_judge = [&](const Trial&, const Arena& outputs, std::uint64_t, bool changed) -> Result<Judgement> {
    EXPECT_TRUE(changed);
    ++judged;
    return Judgement{.right = true, .outputs = {{.name = outputs.tensors[0].name, .right = true}}};
  };
  ASSERT_TRUE(time());
  EXPECT_EQ(judged, options.judged + 1);
}

TEST_F(Timing, CallsACandidateWrongThatStopsWorkingAfterItsCheck) {
  oracle.on_judge = [](const Trial&, const Arena& outputs, std::uint64_t, bool) -> Result<Judgement> {
    return Judgement{.right = false, .outputs = {{.name = outputs.tensors[0].name, .wrong = 32, .unwritten = 32}}};
  };
  const auto t = time();
  ASSERT_TRUE(t && t->finding);
  EXPECT_EQ(t->finding->rule, "timed_run_wrong");
  EXPECT_THAT(t->finding->message, HasSubstr("not written"));
}

TEST_F(Timing, CallsACandidateWrongThatWritesToItsInputsWhileItIsTimed) {
  oracle.on_intact = [](const Trial&) { return false; };
  const auto t = time();
  ASSERT_TRUE(t && t->finding);
  EXPECT_EQ(t->finding->verdict, Verdict::wrong);
  EXPECT_EQ(t->finding->rule, "writes_input");
  EXPECT_EQ(trials.size(), 0U) << "the next candidate does not meet what this one left";
}

TEST_F(Timing, BelievesNoClockThatOursContradicts) {
  runner.program = [](const LoadRequest&) {
    return [](const RunRequest&, int) -> Result<RunReport> { return RunReport{.device_us = 10, .parent_us = 9000}; };
  };
  const auto t = time();
  ASSERT_TRUE(t && t->finding);
  EXPECT_EQ(t->finding->rule, "clocks_disagree");
}

// A run of which the runner's clock says 10 us and ours `gap` more, in the first `runs` runs of each process.
ScriptedRunner::Run hides(double gap, int runs = 1 << 20) {
  return [=](const RunRequest&, int run) -> Result<RunReport> {
    return RunReport{.device_us = 10, .parent_us = run < runs ? 10 + gap : 20};
  };
}

TEST_F(Timing, MeasuresAgainBeforeItAccuses) {
  runner.program = [this](const LoadRequest&) { return hides(runner.loads == 1 ? 9000 : 0); };
  const auto t = time();
  ASSERT_TRUE(t);
  EXPECT_FALSE(t->finding);
  EXPECT_EQ(runner.loads, 2) << "in a new process";
  EXPECT_EQ(t->receipt.time_us.samples, fewest_pairs) << "what was suspicious is thrown away";
  runner.loads = 0;
  runner.program = [](const LoadRequest&) { return hides(9000); };
  const auto liar = time();
  ASSERT_TRUE(liar && liar->finding);
  EXPECT_EQ(liar->finding->rule, "clocks_disagree");
  EXPECT_EQ(runner.loads, 3);
}

TEST_F(Timing, BelievesNoLiarThatIsHonestInAThirdOfItsRuns) {
  runner.program = [](const LoadRequest&) {
    return [](const RunRequest&, int run) -> Result<RunReport> {
      return RunReport{.device_us = run % 3 == 0 ? 900.0 : 10.0, .parent_us = 910};
    };
  };
  const auto t = time();
  ASSERT_TRUE(t && t->finding);
  EXPECT_EQ(t->finding->rule, "clocks_disagree");
}

TEST_F(Timing, AllowsForHandOversThatAreSlowForEverybody) {
  runner.program = [](const LoadRequest&) { return hides(3000); };
  runner.handover = [] { return 1500.0; };
  EXPECT_FALSE(time()->finding) << "a process without a candidate waits as long";
  runner.handover = [] { return 40.0; };
  EXPECT_TRUE(time()->finding);
}

TEST_F(Timing, TakesATimeOutForAResultOnlyWhenItHappensEveryTime) {
  const auto hangs = [this](int processes) {
    runner.loads = 0;
    runner.program = [=, this](const LoadRequest&) -> ScriptedRunner::Run {
      if (runner.loads > processes) return ScriptedRunner::honest(100);
      return [](const RunRequest&, int) -> Result<RunReport> {
        return std::unexpected(ScriptedRunner::failure("timed_out", "time_limit", "still running"));
      };
    };
  };
  hangs(1);
  EXPECT_FALSE(time()->finding);
  hangs(9);
  const auto t = time();
  ASSERT_TRUE(t && t->finding);
  EXPECT_EQ(t->finding->verdict, Verdict::timed_out);
}

TEST(Clocks, AgreeUpToTheHandOver) {
  EXPECT_TRUE(clocks_agree({100, 110, 105}, {130, 900, 140}));
  EXPECT_FALSE(clocks_agree({100, 110, 105}, {130, 2000, 1900}));
  EXPECT_TRUE(clocks_agree({100, 110, 105}, {130, 2000, 1900}, 500));
  EXPECT_TRUE(clocks_agree({100'000}, {101'000}));
  EXPECT_FALSE(clocks_agree({1}, {5000}));
  EXPECT_FALSE(clocks_agree({0}, {50})) << "no time at all";
  EXPECT_FALSE(clocks_agree({200}, {100})) << "longer inside than outside";
}

TEST_F(Timing, NeedsFewerRoundsToSeeThatSomethingIsHopeless) {
  runner.program = [](const LoadRequest&) { return ScriptedRunner::honest(5000); };
  const auto t = time();
  ASSERT_TRUE(t && !t->finding);
  EXPECT_EQ(t->receipt.time_us.samples, 5);
  EXPECT_TRUE(t->receipt.speedup.at("eager").loss());
  options = timing_options(Effort::confirm);
  EXPECT_EQ(time()->receipt.time_us.samples, 30) << "a confirmation has all its rounds";
}

TEST_F(Timing, CallsIdenticalKernelsEqual) {
  int different = 0;
  constexpr int kernels = 150;
  options.warm = 0;
  for (int k = 0; k < kernels; ++k) {
    noisy(100, 100, 0.05);
    const auto t = time();
    ASSERT_TRUE(t && !t->finding);
    for (const auto& [name, ratio] : t->receipt.speedup) different += ratio.win() || ratio.loss();
  }
  EXPECT_LE(different, 2 * kernels / 50) << "expected below 1 %, the bound leaves room for luck";
}

TEST_F(Timing, TakesACrashInATimedRunAsAResult) {
  runner.program = [](const LoadRequest&) {
    return [](const RunRequest&, int run) -> Result<RunReport> {
      if (run == 3) return std::unexpected(ScriptedRunner::failure("crashed", "segfault", "died"));
      return RunReport{.device_us = 10, .parent_us = 11};
    };
  };
  const auto t = time();
  ASSERT_TRUE(t && t->finding);
  EXPECT_EQ(t->finding->verdict, Verdict::crashed);
}

TEST_F(Timing, ReportsPrepareStepsApart) {
  runner.program = [](const LoadRequest&) {
    return [](const RunRequest&, int) -> Result<RunReport> {
      return RunReport{.device_us = 10, .prepare_us = 4, .parent_us = 11};
    };
  };
  const auto t = time();
  EXPECT_EQ(t->receipt.time_us.median, 10);
  EXPECT_EQ(t->receipt.prepare_us->median, 4);
}

}  // namespace
}  // namespace kerf
