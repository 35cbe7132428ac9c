// Reductions over rows that are cut up between programs, for columns that lie side by side, as Triton.
#pragma once

#include <string>

#include "synthesize/builtin/emit/emitted.h"
#include "synthesize/builtin/schedule.h"

namespace kerf {

// As emit_triton, for sketch split where the innermost axis is kept; the schedule is legal, and names are as Triton has
// them.
[[nodiscard]] Emitted emit_triton_column_split(const Region& region, const Schedule& schedule, const std::string& name,
                                               const std::string& tune);

}  // namespace kerf
