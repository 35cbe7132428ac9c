// Attention in language triton: a program has some rows of scores, and goes on from tile to tile of columns.
#pragma once

#include "synthesize/builtin/emit/emitted.h"
#include "synthesize/builtin/schedule.h"

namespace kerf {

// `region` has an attention_shape, `schedule` the sketch of attention, and suits it. Names as in emit_triton.
[[nodiscard]] Emitted emit_triton_attention(const Region& region, const Schedule& schedule, const std::string& name,
                                            const std::string& tune);

}  // namespace kerf
