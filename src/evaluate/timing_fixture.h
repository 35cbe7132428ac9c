// A candidate and its baselines on a stage of fakes: for tests of what times them.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "evaluate/fake_oracle.h"
#include "evaluate/scripted_runner.h"
#include "evaluate/timing.h"

namespace kerf {

struct Timing : ::testing::Test {
  FakeOracle oracle;
  ScriptedRunner runner;
  TrialPool trials{oracle};
  FakeMachineWatch watch;
  FakeClock clock;
  Understood problem = *oracle.admit({.id = "fake/1/1"}, 1);
  Source source;
  Image image;
  TunePoint point;
  Random random{7};
  TimingOptions options = timing_options(Effort::screen);
  std::vector<Baseline> baselines{Baseline::eager, Baseline::compile};

  Timing() {
    oracle.on_draw = [](Trial& trial) {
      auto* const data = trial.arena.memory.bytes().data() + trial.arena.tensors[0].offset;
      for (int i = 0; i < 32; ++i) {
        const auto v = static_cast<float>(i);
        std::memcpy(data + 4 * i, &v, 4);
      }
    };
  }
  TimingTools tools() {
    return {.oracle = oracle, .runner = runner, .trials = trials, .watch = watch, .clock = clock, .threads = 2};
  }
  Result<Timed> time() {
    return time_candidate(tools(),
                          {.source = source,
                           .image = image,
                           .point = point,
                           .workload = problem.workloads[0],
                           .baselines = baselines,
                           .options = options},
                          random);
  }
  // Each time of each side with `noise` (standard deviation of the log).
  void noisy(double candidate_us, double eager_us, double noise) {
    runner.program = [=, this](const LoadRequest&) {
      return [=, this](const RunRequest&, int) -> Result<RunReport> {
        const double us = candidate_us * std::exp(noise * random.normal());
        return RunReport{.device_us = us, .prepare_us = 0, .parent_us = us + 10, .step_us = {us}};
      };
    };
    oracle.on_time = [=, this](const Trial&, Baseline, bool) -> Result<double> {
      return eager_us * std::exp(noise * random.normal());
    };
  }
};

}  // namespace kerf
