// Products of matrices and convolutions in language triton: tiles of results on tensor cores, and what is done with
// them.
#pragma once

#include "synthesize/builtin/emit/emitted.h"
#include "synthesize/builtin/schedule.h"

namespace kerf {

// `region` has a product_shape, `schedule` the sketch of products, and suits it. Names as in emit_triton.
[[nodiscard]] Emitted emit_triton_product(const Region& region, const Schedule& schedule, const std::string& name,
                                          const std::string& tune);

}  // namespace kerf
