// Library calls in another layout of memory, where that layout costs the library less. docs/synthesizer.md says why.
#pragma once

#include <optional>
#include <string>

#include "candidate/candidate.h"
#include "synthesize/general.h"

namespace kerf {

// The graph with its convolutions over two and three dimensions in channels_last, transposed ones too, where the
// language's library gains by it: each gets its images or its weight in that layout, and behind it a copy that brings
// its result back and its bias, for a kernel to take in. nullopt where there is none that can be. Names are kept: what
// is behind has the convolution's. On GPUs kernels get a convolution's result by its places, [N, H, W, C], a view. In
// Triton all that read a convolution's image behind it read that by places, and kernels that reduce may store across.
[[nodiscard]] std::optional<GeneralGraph> in_channels_last(GeneralGraph graph, Language language);

// Puts a copy by places, [N, H, W, C], behind the node, and a view of that before all that read its result.
void store_by_places(GeneralGraph& graph, const std::string& name);

// Lays the weight of a convolution of single channels out so that its channels are side by side, as those of an image
// by places are.
void lay_out_weight(GeneralGraph& graph, const std::string& convolution);

// The graph with images and weights of its convolutions laid out by kernels so that what is summed is side by side, for
// convolutions of our own (products.h). nullopt where there are none, of 16 channels at least.
[[nodiscard]] std::optional<GeneralGraph> with_places_inside(GeneralGraph graph);

// The graph with linear layers of few rows as products of the weight and the input's columns: y' = w x'. A copy behind
// each turns it, for a kernel to take in.
[[nodiscard]] GeneralGraph with_few_rows_turned(GeneralGraph graph);

// The graph with each result of an operator on elements that lies in memory in another order than that of its
// dimensions, as what follows a transposed operand does, computed in the order of memory, and a view of that. So
// kernels can store it. Outputs are left: kernels write them by their strides.
[[nodiscard]] GeneralGraph in_order_of_memory(GeneralGraph graph);

}  // namespace kerf
