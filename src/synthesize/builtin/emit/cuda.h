// Writes regions as kernels of language `cuda`.
#pragma once

#include "synthesize/builtin/emit/emitted.h"
#include "synthesize/builtin/schedule.h"

namespace kerf {

// As emit_cpp; `tune` names the axis of the block's threads.
[[nodiscard]] Result<Emitted> emit_cuda(const Region& region, const Schedule& schedule, const std::string& name,
                                        const std::string& tune);

[[nodiscard]] std::string cuda_helpers(const std::vector<std::string>& used);

}  // namespace kerf
