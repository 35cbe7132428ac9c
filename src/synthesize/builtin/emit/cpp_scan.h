// Regions with scans, as C++.
#pragma once

#include <string>

#include "synthesize/builtin/emit/emitted.h"
#include "synthesize/builtin/schedule.h"

namespace kerf {

// As emit_cpp; the schedule is legal.
[[nodiscard]] Emitted emit_cpp_scan(const Region& region, const Schedule& schedule, const std::string& name,
                                    const std::string& tune);

}  // namespace kerf
