// Rewrites of single operators and of pairs, for simplify().
#pragma once

#include <cstddef>
#include <string>

#include "synthesize/general.h"

namespace kerf {

// The tensor that is argument `at`, if it is one.
[[nodiscard]] const TensorRef* tensor_at(const GeneralNode& node, std::size_t at);
// How often nodes and the outputs mention the node.
[[nodiscard]] std::size_t uses(const GeneralGraph& graph, const std::string& name);

// Nodes that compute the same of the same become one. Only operators that give the same each time.
void share_equal_nodes(GeneralGraph& graph);
// Nodes whose results nothing needs.
void drop_unused_nodes(GeneralGraph& graph);

// Whether node `at` was rewritten:
// log(softmax(x)) = log_softmax(x), where nothing else needs the softmax.
bool log_of_softmax(GeneralGraph& graph, std::size_t at);
// diag(v) M = v M by rows, M diag(v) = v M by columns, where nothing else needs the diagonal matrix.
bool diagonal_product(GeneralGraph& graph, std::size_t at);

}  // namespace kerf
