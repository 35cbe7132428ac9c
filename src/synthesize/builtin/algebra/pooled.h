// Averages of windows, and what is before them.
#pragma once

#include <cstddef>

#include "synthesize/general.h"

namespace kerf {

// Whether node `at` was an average over windows of a convolution's result, which nothing else needs, and is now one
// convolution of averaged weights in larger steps, or a convolution of averages.
bool pooled_convolution(GeneralGraph& graph, std::size_t at);

// Whether node `at` was a pooling over large windows, and is now one over all dimensions but the last of one over that.
bool separate_pooling(GeneralGraph& graph, std::size_t at);

}  // namespace kerf
