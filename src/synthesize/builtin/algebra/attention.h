// Attention that is written out, as the library's operator for it.
#pragma once

#include <cstddef>

#include "synthesize/general.h"

namespace kerf {

// Whether node `at` was softmax(s q k') v, over matrices that nothing else needs, and is scaled_dot_product_attention
// now.
bool attention(GeneralGraph& graph, std::size_t at);

}  // namespace kerf
