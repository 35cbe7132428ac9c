// Images between convolutions in channels_last that kernels store by their places, so that none of them is turned.
#pragma once

#include "candidate/candidate.h"
#include "synthesize/general.h"

namespace kerf {

// The graph in channels_last with what a kernel reads by places and others read in turn stored by places, too: a copy
// behind it, which joins its kernel, and a view that its readers get. Outputs, and what only views are made of, stay;
// where there is one convolution, nothing is between two. Weights of convolutions of single channels have these side by
// side there, too.
[[nodiscard]] GeneralGraph with_results_by_places(GeneralGraph graph, Language language);

}  // namespace kerf
