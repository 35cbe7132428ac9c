// What a watched run of native code says of why it is slow: docs/diagnosis.md.
#pragma once

#include <cstdint>
#include <vector>

#include "candidate/run_protocol.h"
#include "evaluate/diagnosis.h"

namespace kerf {

// Steps of the plan whose launches are worth looking at: those in which most time goes, each at least a tenth of all,
// in the plan's order. Without times the first ones.
[[nodiscard]] std::vector<int> steps_to_watch(const Plan& plan, const std::vector<double>& step_us);

// What looking at a launch of a step takes at most: its runs in parallel, and twice all its tasks on one thread.
[[nodiscard]] double us_to_watch(double step_us, int threads);

// The busiest thread's processor time over the mean of all: 1 where all work alike, `threads` where one does it all.
// The median of the parallel runs: company can make one uneven, or even where it keeps the idle thread from its core. 1
// where nothing is known.
[[nodiscard]] double imbalance(const StepWatch& seen, int threads);
// The same if chunks, each as long as it took alone, go in order to the thread that is free first: what the tasks
// themselves leave, whoever else is on the machine (Graham's list scheduling).
[[nodiscard]] double imbalance_of_chunks(const std::vector<double>& chunk_us, int threads);
// Processor time of all threads over what they take where none writes to a line that another one writes to: the median
// of the pairs of runs. 1 where nothing is known.
[[nodiscard]] double slowdown_by_sharing(const StepWatch& seen);

struct WatchedPlan {
  const Source& source;
  const std::vector<double>& step_us;  // per step of the plan
  double time_us = 0;                  // of one run
  int threads = 1;
  double bytes_per_us = 0;  // from memory, all threads; 0: unknown
};
// Metrics of the launch in which most time goes, page faults of the whole run; causes, those that cost most first and
// before those that are there already, each with a hot spot and the move that answers it. Pure. What the runner said is
// believed as far as numbers are numbers: it explains a time, and changes none.
void add_watch(Diagnosis& diagnosis, const RunWatch& watched, const WatchedPlan& plan);

}  // namespace kerf
