// Names that a plan gives: axes, counters, scratch tensors, results.
#pragma once

#include "base/result.h"
#include "candidate/plan.h"

namespace kerf {

// No name is given twice, and each step's loop has its counter. Names of the workload are compared when it is bound.
[[nodiscard]] Result<> check_own_names(const Plan& plan);

}  // namespace kerf
