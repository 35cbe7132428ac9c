// Where in its code a kernel's warps are, and what they wait for: CUPTI's samples of program counters. Layouts and
// numbers are those of cupti_pcsampling.h.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "candidate/device_protocol.h"

namespace kerf {

struct SamplingFunctions;  // of the library

class PcSampler {
 public:
  // `unavailable: …` if the library cannot be loaded or has no such functions.
  [[nodiscard]] static Result<PcSampler> load(const std::string& path);
  // Each multiprocessor is looked at every 2^period cycles, period from 5. `context` is a CUcontext. Counters must not
  // be enabled at the same time. An error of kind unavailable says what forbids it.
  [[nodiscard]] Result<> begin(void* context, unsigned period);
  // Of what `launch` launches and waits for: `at` and `lost` of the answer.
  [[nodiscard]] Result<LaunchSamples> sample(const std::function<void()>& launch);
  void end();

 private:
  struct State;
  explicit PcSampler(std::shared_ptr<State> state) : state_(std::move(state)) {}
  std::shared_ptr<State> state_;
};

// The period in which a launch that takes this long is seen often enough (some 200 times on each multiprocessor), and
// not so often that the hardware has no room for what was seen.
[[nodiscard]] unsigned sampling_period(double nanoseconds);

// "smsp__pcsamp_warps_issue_stalled_barrier" -> "barrier"; empty for what is no reason of its own: totals, and those of
// warps in cycles in which their scheduler had nothing to issue, which are counted among the others, too.
[[nodiscard]] std::string stall_of_counter(const std::string& counter);

}  // namespace kerf
