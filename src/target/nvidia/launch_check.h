// What a GPU allows a launch, and whether plan and compiled kernel speak of the same parameters.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/result.h"
#include "candidate/bind.h"
#include "target/nvidia/cubin.h"
#include "target/target.h"

namespace kerf {

// Checks every launch that can be known without running it, against `gpu` and, if not null, the kernels of the cubin by
// the plan's names. Errors: kind candidate, verdict rejected, rule grid, block, shared_memory, registers, prototype or
// cluster, at their place in the plan.
// With kernels, the answer tells of each launch of the plan what is known of it (evidence: static): [{"kernel", "line",
// "blocks", "threads", "registers", "shared_bytes", "local_bytes", "blocks_per_sm", "occupancy", "limited_by",
// "waves"}].
[[nodiscard]] Result<nlohmann::json> check_launches(const Source& source, const Workload& workload,
                                                    const TunePoint& point, const GpuLimits& gpu,
                                                    const std::map<std::string, CubinKernel>* kernels);

}  // namespace kerf
