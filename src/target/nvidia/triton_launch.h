// What of a Triton candidate has to be compiled: the launches of its plan, and how its kernels see them.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "candidate/bind.h"
#include "candidate/triton_manifest.h"
#include "target/nvidia/triton_worker.h"
#include "target/target.h"

namespace kerf {

// A launch of the plan on one workload and how Triton sees its arguments.
struct TritonLaunch {
  BoundLaunch launch;
  std::vector<TritonArgument> arguments;
  std::string key;
  const Step* step = nullptr;
};

// The launches of a plan that differ, in the order in which they come.
[[nodiscard]] Result<std::vector<TritonLaunch>> triton_launches(const Source& source, const Workload& workload,
                                                                const TunePoint& point);

// The kernel's parameters against the launch: arguments fill those that are not tl.constexpr, in order; the others have
// their values from the launch's table or the tune axis of their name. `parameters`: what remains at run time.
[[nodiscard]] Result<TritonJob> triton_job(const TritonLaunch& bound, const TritonKernel& kernel,
                                           const TunePoint& point, std::vector<TritonParameter>& parameters);

// Whether the GPU has grids of that size.
[[nodiscard]] Result<> check_grid(const TritonLaunch& bound, const GpuLimits& gpu);

}  // namespace kerf
