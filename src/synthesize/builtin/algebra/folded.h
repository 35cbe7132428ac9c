// Normalisations with known statistics, folded into the weights before them.
#pragma once

#include <cstddef>

#include "synthesize/general.h"

namespace kerf {

// Whether node `at` was a batch norm with running statistics of a convolution or a linear layer that nothing else
// needs, and is that layer now, with other weights and another bias. Only where a pass over the result is saved:
// behind it comes nothing that a kernel would do anyway, and the weights are few beside the result.
bool folded_norm(GeneralGraph& graph, std::size_t at);

}  // namespace kerf
