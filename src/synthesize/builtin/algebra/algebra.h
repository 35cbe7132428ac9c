// Rewrites of a graph that change what it costs and not what it means: they hold for all finite values, never only for
// those that were drawn. docs/synthesizer.md has each with its numerical argument.
#pragma once

#include "synthesize/general.h"

namespace kerf {

// The graph with every rewrite applied that its rules find. Names of nodes that stay are kept; new ones are derived
// from the node whose place they take.
[[nodiscard]] GeneralGraph simplify(GeneralGraph graph);

}  // namespace kerf
