// Regions whose innermost axis is kept, as C++: a block of its columns at a time, values that change along it in
// arrays.
#pragma once

#include <string>

#include "synthesize/builtin/emit/emitted.h"
#include "synthesize/builtin/schedule.h"

namespace kerf {

// As emit_cpp; the schedule is legal, its sketch `columns`.
[[nodiscard]] Emitted emit_cpp_columns(const Region& region, const Schedule& schedule, const std::string& name,
                                       const std::string& tune);

}  // namespace kerf
