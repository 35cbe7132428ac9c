// What one timed run of either side needs, whoever asks for it: timing and the choice of a tune point.
#pragma once

#include <chrono>
#include <cstdint>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "evaluate/evaluator.h"
#include "evaluate/machine_watch.h"
#include "evaluate/verify.h"

namespace kerf {

struct TimingTools {
  Oracle& oracle;
  Runner& runner;
  TrialPool& trials;
  MachineWatch& watch;
  const Clock& clock;
  int threads = 1;
  bool graph = false;  // what is timed is a captured graph, on both sides
};

// A candidate's process, the trial whose values change, and everything that one timed run of either side needs.
class TimingStage {
 public:
  // All but the numbers must outlive it.
  TimingStage(const TimingTools& tools, const Source& source, const Workload& workload,
              std::chrono::microseconds settle, Random& random);

  // First. Errors: the oracle's.
  [[nodiscard]] Result<> open();
  [[nodiscard]] Result<std::unique_ptr<RunnerInstance>> load(const Image& image, const TunePoint& point);

  // Before a run of a baseline.
  [[nodiscard]] Result<> settle();
  // After a run, and after it was judged: a device makes ready what the next run finds while this thread does something
  // else that takes time.
  void begin_next();
  // No judgement of a run before it has ended, no sign to the candidate which run will be judged.
  [[nodiscard]] Result<RunReport> run(RunnerInstance& instance, bool cold);
  // Of the last run; nothing may have been run in between, the inputs are still its own.
  [[nodiscard]] Result<std::optional<Finding>> judge(std::vector<Check>& checks);

  [[nodiscard]] const Trial& trial() const { return *trial_; }

 private:
  [[nodiscard]] Result<> join();  // waits for what begin_next() began

  const TimingTools& tools_;
  const Source& source_;
  const Workload& workload_;
  std::vector<std::string> names_;
  std::chrono::microseconds settle_;
  Random& random_;
  std::shared_ptr<Trial> trial_;
  Arena outputs_;
  std::uint64_t sentinel_ = 0;
  // Since the last run of either side inputs were changed, since the candidate's outputs were filled.
  bool changed_ = false, filled_ = false;
  std::future<Result<>> ahead_;  // last: its end is waited for before the rest goes
};

}  // namespace kerf
