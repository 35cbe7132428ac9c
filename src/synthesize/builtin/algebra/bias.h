// Biases of library calls, for kernels to take in.
#pragma once

#include <cstddef>

#include "candidate/candidate.h"
#include "synthesize/general.h"

namespace kerf {

// Whether the convolution or linear layer `at` had a bias that is now added behind it. The sum has the node's name.
bool add_bias_behind(GeneralGraph& graph, std::size_t at);

// Biases that cost the library a pass over the result, where everything that needs the result can be generated.
[[nodiscard]] GeneralGraph with_biases_behind(GeneralGraph graph, Language language);

}  // namespace kerf
