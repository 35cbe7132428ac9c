// Losses of rows whose mean or sum is asked for, as the losses and what follows.
#pragma once

#include <cstddef>

#include "synthesize/general.h"

namespace kerf {

// Whether node `at` was a mean or a sum of losses that a row's elements give (classes, triplets, cosines), and is now a
// reduction of these losses: two kernels instead of a call.
bool row_losses(GeneralGraph& graph, std::size_t at);

}  // namespace kerf
