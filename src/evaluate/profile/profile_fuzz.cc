// Any bytes as a profile of Nsight Compute: what is read are finite numbers under known names, and a diagnosis of them
// ends.
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "evaluate/profile/gpu_diagnosis.h"
#include "evaluate/profile/ncu_csv.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto profiles = kerf::read_ncu_csv({reinterpret_cast<const char*>(data), size});
  if (!profiles) return 0;
  for (const auto& profile : *profiles) {
    for (const auto& [name, value] : profile.metrics) {
      if (!std::isfinite(value) || kerf::unit_of_metric(name).empty()) __builtin_trap();
    }
  }
  const auto diagnosis = kerf::diagnose_gpu({.kernels = *profiles, .time_us = 10, .launch_us = 1, .least_bytes = 1});
  if (!diagnosis.causes.empty() && !diagnosis.bound) __builtin_trap();
  return 0;
}
