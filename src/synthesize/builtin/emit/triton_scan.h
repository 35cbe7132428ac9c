// Regions with scans, as Triton.
#pragma once

#include <string>

#include "synthesize/builtin/emit/emitted.h"
#include "synthesize/builtin/schedule.h"

namespace kerf {

// As emit_triton; the schedule is legal, and names are as Triton has them.
[[nodiscard]] Emitted emit_triton_scan(const Region& region, const Schedule& schedule, const std::string& name,
                                       const std::string& tune);

}  // namespace kerf
