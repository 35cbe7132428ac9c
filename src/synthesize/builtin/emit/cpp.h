// Writes regions as kernels of language `cpp`: C++20 on vectors as wide as the machine's registers (the prelude's
// f32v).
#pragma once

#include "synthesize/builtin/emit/emitted.h"
#include "synthesize/builtin/schedule.h"

namespace kerf {

// `name` is the kernel's (launches after the first get suffixes), `tune` the name of its block's tune axis. The
// schedule must be legal for the region.
[[nodiscard]] Result<Emitted> emit_cpp(const Region& region, const Schedule& schedule, const std::string& name,
                                       const std::string& tune);

// The text of the helpers that `used` names (and of those they need), each once, ready to stand before the kernels.
[[nodiscard]] std::string cpp_helpers(const std::vector<std::string>& used);

}  // namespace kerf
