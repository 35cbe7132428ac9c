// How fast is a candidate? The protocol that docs/evaluation.md describes. Blocks: called from a job body that has the
// machine for itself.
#pragma once

#include <chrono>
#include <optional>
#include <vector>

#include "base/random.h"
#include "evaluate/evaluator.h"
#include "evaluate/statistics.h"
#include "evaluate/timing_stage.h"

namespace kerf {

struct TimingOptions {
  int least = fewest_pairs;  // rounds, whatever happens
  int hopeless_after = 5;    // rounds that are enough where it is ten times slower than the first baseline
  int most = 25;
  int every = 1;  // rounds from one run of the baselines to the next: those between have the candidate alone
  std::chrono::milliseconds budget{200};  // after `least`, no further round starts later than this
  double tight = 0.02;                    // relative half width of time and speedup at which it is enough
  int warm = 3;                           // rounds without flushed caches, of the candidate only
  int judged = 1;  // timed runs, chosen at random, whose outputs are judged; the last one always is
  std::chrono::microseconds settle{2500};   // before each run: threads of the process that ran before stop spinning
  std::chrono::milliseconds patience{300};  // all in all, for a quiet machine
};
[[nodiscard]] TimingOptions timing_options(Effort effort);
// With that many rounds, whatever they show, and the baselines in as many of them as there would be at least.
[[nodiscard]] TimingOptions with_rounds(TimingOptions options, int rounds);

struct TimingRequest {
  const Source& source;
  const Image& image;
  const TunePoint& point;
  const Workload& workload;         // the primary one
  std::vector<Baseline> baselines;  // those that are ready
  TimingOptions options;
};

struct Timed {
  std::optional<Finding> finding;  // a timed run crashed, hung, was wrong, or its clocks disagree
  Receipt receipt;                 // times, baselines, speedups, discarded; the rest is the caller's
  std::vector<Check> checks;
  std::vector<double> step_us;  // median per step, as far as the runner reports it
};

// A time-out and clocks that disagree are measured again, up to three times in all, before they count: a liar lies
// every time, company goes away.
[[nodiscard]] Result<Timed> time_candidate(const TimingTools& tools, const TimingRequest& request, Random& random);

// The runner's clock against ours, run by run. Ours also sees the hand-over: below 300 us in at least half of the runs
// where nobody else uses the machine, and some times `handover_us` (of a message to a process of ours, measured beside
// the runs; 0 where it was not) where somebody does. What a kernel takes from the runner's clock comes on top.
[[nodiscard]] bool clocks_agree(const std::vector<double>& device_us, const std::vector<double>& parent_us,
                                double handover_us = 0);

}  // namespace kerf
