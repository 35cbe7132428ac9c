// How fast is a candidate? The protocol that docs/evaluation.md describes. Blocks: called from a job body that has the
// machine for itself.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "evaluate/evaluator.h"
#include "evaluate/machine_watch.h"
#include "evaluate/statistics.h"
#include "evaluate/verify.h"

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

struct TimingTools {
  Oracle& oracle;
  Runner& runner;
  TrialPool& trials;
  MachineWatch& watch;
  const Clock& clock;
  int threads = 1;
  bool graph = false;  // what is timed is a captured graph, on both sides
};

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

// Successive halving over tune points: all run a little, the better half runs more, until one is left (Jamieson &
// Talwalkar, AISTATS 2016). It stops early: a point whose first time is far behind is not run again, and when those
// that are left differ by less than could be told, the first of them is taken. Points that fail to run are left out and
// named in `checks`; when none is left, the first failure is the finding. The check `tune` says what it took: points,
// compiled variants, runs, and why it stopped. The images are in the order of the points.
struct Tuned {
  std::optional<Finding> finding;
  std::size_t pick = 0;
  std::vector<Check> checks;
};
[[nodiscard]] Result<Tuned> tune(const TimingTools& tools, const Source& source, const std::vector<TunePoint>& points,
                                 const std::vector<Image>& images, const Workload& workload, Random& random);

// The runner's clock against ours, run by run. Ours also sees the hand-over: below 300 us in at least half of the runs
// where nobody else uses the machine, and some times `handover_us` (of a message to a process of ours, measured beside
// the runs; 0 where it was not) where somebody does. What a kernel takes from the runner's clock comes on top.
[[nodiscard]] bool clocks_agree(const std::vector<double>& device_us, const std::vector<double>& parent_us,
                                double handover_us = 0);

}  // namespace kerf
