// Products of two tensors in whatever words, with a letter for each dimension.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "synthesize/general.h"

namespace kerf {

struct Factor {
  TensorRef ref;
  std::string letters;  // one a dimension
};

// As an einsum says it: the result has `letters`, what they lack is summed over. Nothing is broadcast.
struct Contraction {
  Factor left, right;
  std::string letters;
};

// Of matmul, bmm, baddbmm (its product alone) and an einsum of two tensors; nullopt for any other node.
[[nodiscard]] std::optional<Contraction> contraction(const GeneralGraph& graph, const GeneralNode& node);

// What is a dimension of the operand where the node only swaps dimensions: result dimension i is its dimension [i].
[[nodiscard]] std::optional<std::vector<std::size_t>> permutation(const GeneralNode& node);

// Argument `at` or keyword `key`, where it is the same integer in every workload.
[[nodiscard]] std::optional<std::int64_t> integer_at(const GeneralNode& node, std::size_t at, const char* key);
// A number that is the same in every workload.
[[nodiscard]] std::optional<double> literal(const GeneralArgument& argument);

}  // namespace kerf
