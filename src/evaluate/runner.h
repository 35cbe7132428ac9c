// The runner: another process that executes a candidate's machine code. It may die; we may not. All calls block.
// A failure that is the candidate's own has ErrorKind::candidate and the facts "verdict" (a Verdict) and "rule".
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "candidate/device_protocol.h"
#include "candidate/plan.h"
#include "candidate/run_protocol.h"
#include "evaluate/evaluator.h"
#include "evaluate/oracle.h"
#include "target/language.h"

namespace kerf {

enum class TaskOrder : std::uint8_t {
  dynamic,
  descending
};  // descending: one thread, last task first (finds waiting tasks)

struct RunRequest {
  const Trial* trial = nullptr;
  Arena* outputs = nullptr;
  std::uint64_t sentinel = 0;  // outputs and scratch are filled with this pattern first
  TaskOrder order = TaskOrder::dynamic;
  bool timed = false;
  bool cold = false;   // flush caches first
  bool graph = false;  // timed: as one captured graph. Kind unavailable if that cannot be
  // Not timed: the first launch of these steps of the plan is looked at. Asked of runners that watch, after a run.
  std::optional<std::vector<int>> watch = {};
  std::chrono::milliseconds limit{10'000};
};

struct RunReport {
  double device_us = 0;                   // as the runner's clock saw the steps
  double prepare_us = 0;                  // the part of it that prepare steps took
  double parent_us = 0;                   // as this process saw the run, hand-over included
  std::int64_t involuntary_switches = 0;  // of the runner during the run: company on the cores
  bool shows_host = true;       // what the host did may be part of device_us: not where all of the run was handed over
                                // to a device before the device began with it
  std::vector<double> step_us;  // per step, if timed
  // If asked for. Counted in the candidate's own process: evidence of why it is slow, of nothing else.
  std::optional<RunWatch> watched = {};
};

// One loaded candidate at one tune point on one workload, in a process of its own.
struct RunnerInstance {
  RunnerInstance() = default;
  RunnerInstance(const RunnerInstance&) = delete;
  RunnerInstance& operator=(const RunnerInstance&) = delete;
  virtual ~RunnerInstance() = default;  // kills the process
  // Binds the plan on first use: errors of the plan that only a run can show come from here.
  [[nodiscard]] virtual Result<RunReport> run(const RunRequest& request) = 0;
};

struct LoadRequest {
  const Source* source = nullptr;
  const Image* image = nullptr;
  const Workload* workload = nullptr;
  TunePoint tune;
  int threads = 1;
};

// What is wanted to be known of a run that is not timed.
struct ProfileOrder {
  std::vector<int> steps;  // of the plan, of each its first launch is counted
  // A screen gets the counters of one pass, which are there at once, a confirmation all, and samples of program
  // counters.
  Effort effort = Effort::screen;
  bool activity = false;  // what ran on the device, too
};

struct Runner {
  Runner() = default;
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;
  virtual ~Runner() = default;
  [[nodiscard]] virtual Result<std::unique_ptr<RunnerInstance>> load(const LoadRequest& request) = 0;
  // How long a message to a process of ours takes there and back now, in microseconds, where that process wakes
  // `threads` threads before it answers, as a run does. No candidate runs in it: what a busy machine adds to every
  // hand-over shows here, what a kernel hides does not.
  [[nodiscard]] virtual Result<double> handover_us(int threads) = 0;
  [[nodiscard]] virtual std::vector<std::string> isolation() const = 0;
  // Whether it can hand tasks out in the order that a run asks for. A GPU hands out blocks as it likes.
  [[nodiscard]] virtual bool keeps_order() const { return true; }
  // Whether runs can be watched.
  [[nodiscard]] virtual bool watches() const { return false; }
  // Whether profile() may have an answer.
  [[nodiscard]] virtual bool profiles() const { return false; }
  // profile() may be asked of this image: what takes long to start begins, beside everything else. Does not wait.
  virtual void foresee_profile(const Image& /*image*/, Effort /*effort*/) {}
  // Makes ready what profile() will need, so that the device is held alone for counting only. What goes wrong here,
  // profile() meets and says.
  virtual void expect_profile(const LoadRequest& /*load*/, Effort /*effort*/) {}
  // What counters say of launches, in a process that times nothing. A failure says why nothing is known; it says
  // nothing of the candidate.
  [[nodiscard]] virtual Result<ProfileAnswer> profile(const LoadRequest& /*load*/, const RunRequest& /*run*/,
                                                      const ProfileOrder& /*order*/) {
    return fail(ErrorKind::unavailable, "unavailable: this runner has no profiler");
  }
  // The same counters by NVIDIA Nsight Compute, which is started for it and watches such a process (some 5 s).
  [[nodiscard]] virtual Result<ProfileAnswer> profile_with_ncu(const LoadRequest& /*load*/, const RunRequest& /*run*/,
                                                               const std::vector<int>& /*steps*/) {
    return fail(ErrorKind::unavailable, "unavailable: Nsight Compute watches runners of NVIDIA GPUs");
  }
  // Times a launch with and without probes, in a process that times nothing else, and reads what they wrote.
  [[nodiscard]] virtual Result<ProbeAnswer> probe(const LoadRequest& /*load*/, const RunRequest& /*run*/,
                                                  const ProbeMessage& /*kernel*/) {
    return fail(ErrorKind::unavailable, "unavailable: this runner launches no probed kernels");
  }
  // The device on which candidates run, for receipts; null where that is the machine itself.
  [[nodiscard]] virtual nlohmann::json describe() const { return nullptr; }
};

}  // namespace kerf
