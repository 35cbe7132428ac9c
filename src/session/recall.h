// Memory operators at work: what a new node is told of the tree it grows in.
#pragma once

#include "session/node.h"

namespace kerf {

// How much is recalled at most: enough for a prompt or a move policy, and bounded in deep or wide trees.
inline constexpr std::size_t max_ancestors = 16;
inline constexpr std::size_t max_siblings = 16;

// Fills `ancestors` and `siblings` of a request from the nodes that exist now. `inherit`: the chain from parents[0] to
// the root. `siblings`: the same chain, and the parent's children, the best last. `combine`: the chain, and
// parents[1..] with the other good branches. `fresh`: nothing. The rest of the request stays as it is.
void recall(SynthesisRequest& request, const Expansion& expansion, const SessionNodes& nodes);

[[nodiscard]] Recalled recalled(const SessionNode& node);

}  // namespace kerf
