// Counts what chosen launches of a plan do. A process that profiles times nothing: counting slows launches.
#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "candidate/device_protocol.h"
#include "runner/cuda/activity.h"
#include "runner/cuda/cuda_executor.h"
#include "runner/cuda/cupti.h"
#include "runner/cuda/device_memory.h"
#include "runner/cuda/driver.h"
#include "runner/cuda/pc_sampling.h"

namespace kerf {

class Stopwatch {
 public:
  [[nodiscard]] double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

class LaunchProfiler {
 public:
  // `unavailable: …` where there is no CUPTI that fits the driver.
  [[nodiscard]] static Result<LaunchProfiler> open(const CudaDriver& driver, const std::string& library, int device);
  // These groups of counters will be asked for: plans them. Needs nothing of the GPU.
  [[nodiscard]] Result<> expect(const std::vector<std::vector<std::string>>& groups);
  // If samples are asked for, runs the plan twice, to time its launches and to sample their program counters; where
  // they cannot be had the answer says why. Then for each group of counters once, all from fresh outputs and scratch.
  // At the end, if they are asked for, once more for CUPTI's records of what ran on the device; where there are none
  // the answer says why.
  // `flush` is written before each launch that is counted, so that its first pass finds cold caches; what further
  // passes find is what a pass before them left. The executor has bound the plan.
  [[nodiscard]] Result<ProfileAnswer> profile(const DeviceRequest& request, CudaExecutor& executor,
                                              OpenedMemories& memories, const DeviceBuffer& flush);

  // What open() makes it of.
  LaunchProfiler(const CudaDriver& driver, Cupti cupti, std::string chip, Result<PcSampler> sampler,
                 Result<ActivityRecorder> recorder)
      : driver_(&driver),
        cupti_(std::move(cupti)),
        chip_(std::move(chip)),
        sampler_(std::move(sampler)),
        recorder_(std::move(recorder)) {}

 private:
  [[nodiscard]] Result<> sample(const DeviceRequest& request, CudaExecutor& executor, OpenedMemories& memories,
                                const DeviceBuffer& flush, ProfileAnswer& answer);
  [[nodiscard]] Result<> record(const DeviceRequest& request, CudaExecutor& executor, OpenedMemories& memories,
                                ProfileAnswer& answer);
  [[nodiscard]] Result<const CuptiPlan*> plan(const std::vector<std::string>& group);

  const CudaDriver* driver_;
  Cupti cupti_;
  std::string chip_;
  Result<PcSampler> sampler_;                                          // or why there is none
  Result<ActivityRecorder> recorder_;                                  // likewise
  std::vector<std::pair<std::vector<std::string>, CuptiPlan>> plans_;  // making one takes some ten milliseconds
  bool together_ = true;  // whether one enabling does for several launches, as far as is known
};

// Runs the plan 2 * rounds times, by turns as it is and with the probed kernel in the place of the step's first launch.
[[nodiscard]] Result<ProbeAnswer> probe_launch(const CudaDriver& driver, const DeviceRequest& request,
                                               CudaExecutor& executor, OpenedMemories& memories,
                                               const DeviceBuffer& flush);

// Runs the plan once and marks the chosen launches for a profiler that watches this process from outside. The answer
// says what was launched, and holds no counters.
[[nodiscard]] Result<ProfileAnswer> mark_launches(const CudaDriver& driver, const DeviceRequest& request,
                                                  CudaExecutor& executor, OpenedMemories& memories,
                                                  const DeviceBuffer& flush);

}  // namespace kerf
