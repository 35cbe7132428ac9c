// Graphs without in-place operators.
#pragma once

#include <set>
#include <string>

#include "base/result.h"
#include "problem/graph.h"

namespace kerf {

// Renames in-place operators to their functional forms where that changes nothing: every later use of the operand sees
// the result, and nothing else shares its memory. `named` are the workload's tensors; `inplace` receives the nodes that
// were renamed and whose operand is no such tensor. Fails (kind candidate) where memory is shared.
[[nodiscard]] Result<Graph> functionalise(Graph graph, std::set<std::string>& inplace,
                                          const std::set<std::string>& named);

}  // namespace kerf
