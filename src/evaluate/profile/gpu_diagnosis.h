// Why a right candidate is slow on a GPU: rules over what a profiler measured. docs/diagnosis.md lists them in their
// order and says where their thresholds come from.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "evaluate/evaluation.h"
#include "evaluate/profile/kernel_profile.h"

namespace kerf {

// What was measured of one run of a plan. Zeros where unknown.
struct GpuRun {
  std::vector<KernelProfile> kernels;  // of its launches, in order; of a long chain perhaps the first ones only
  double launches = 0;                 // in one run; zero: as many as there are profiles
  double time_us = 0;                  // of one run, from the first launch to the last result
  double launch_us = 0;                // what one launch that does nothing takes; unknown within a graph
  double least_bytes = 0;              // that any candidate must move
  bool half_products = false;          // the problem multiplies matrices of 16-bit numbers
};

// Bound (absent if the profiles know too little), causes (the first is the main one), metrics of the kernel that takes
// most time and sums over all, advice. Of the few counters of a screen (cupti_groups) it says less: no cause that would
// need the others to be ruled out.
[[nodiscard]] Diagnosis diagnose_gpu(const GpuRun& run);

// What warps in that stall wait for: "other threads at a barrier"; the stall's own name if it is unknown.
[[nodiscard]] std::string_view words_of_stall(std::string_view stall);

// The stalls of a kernel in which its warps spend most time, with their shares, the largest first; those of warps that
// issue or could issue are left out.
[[nodiscard]] std::vector<std::pair<std::string, double>> top_stalls(const KernelProfile& kernel, std::size_t most = 3);

}  // namespace kerf
