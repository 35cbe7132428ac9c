// Library calls in another layout of memory, where that layout costs the library less. docs/synthesizer.md says why.
#pragma once

#include <optional>

#include "synthesize/general.h"

namespace kerf {

// The graph with its convolutions over two and three dimensions in channels_last, transposed ones too: each gets its
// weight in that layout, and behind it a copy that brings its result back and its bias, for a kernel to take in.
// nullopt where there is none that can be. Names are kept: what is behind has the convolution's.
[[nodiscard]] std::optional<GeneralGraph> in_channels_last(GeneralGraph graph);

// The graph with linear layers of few rows as products of the weight and the input's columns: y' = w x'. A copy behind
// each turns it, for a kernel to take in.
[[nodiscard]] GeneralGraph with_few_rows_turned(GeneralGraph graph);

}  // namespace kerf
