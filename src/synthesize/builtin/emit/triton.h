// Writes regions as kernels of language `triton`: programs that work tiles off.
#pragma once

#include "synthesize/builtin/emit/emitted.h"
#include "synthesize/builtin/triton_schedule.h"

namespace kerf {

// As emit_cpp; the tune axis is threads of a program, 32 times num_warps. Fails (kind candidate) where the schedule is
// illegal for the region.
[[nodiscard]] Result<Emitted> emit_triton(const Region& region, const Schedule& schedule, const std::string& name,
                                          const std::string& tune);
// The imports and the helpers that `used` names.
[[nodiscard]] std::string triton_helpers(const std::vector<std::string>& used);

}  // namespace kerf
