// Attention in the loop-level representation: what the operator means as instructions, and which regions are such.
#pragma once

#include <cstdint>
#include <optional>

#include "synthesize/builtin/formulas.h"
#include "synthesize/builtin/ir.h"

namespace kerf {

// Two products of matrices, of which the second has as its left factor what is made of the first one's results:
//   results[i, e] = sum_j weights[i, j] * values[j, e], weights[i, j] = f(scores[i, j]), scores = sum_d q[i, d] k[j, d]
// The only regions that reduce over different axes. Masks of axes.
struct AttentionShape {
  int scores = -1, queries = -1, keys = -1;     // a reduction and its factors
  int results = -1, weights = -1, values = -1;  // a reduction and its factors
  // weights = exp(logits - top), top = max_j logits; the sum of weights divides the results later.
  struct Softmax {
    int logits = -1, top = -1, total = -1;
  };
  std::optional<Softmax> softmax = std::nullopt;  // none: weights are element by element of the scores
  std::uint64_t batch = 0;                        // queries and keys vary along them
  std::uint64_t rows = 0;                         // i: of queries alone
  std::uint64_t columns = 0;                      // j: of keys and values
  std::uint64_t inner = 0;                        // d
  std::uint64_t width = 0;                        // e: of values alone
  // Weights are 0 where column - row exceeds it, whatever the scores are.
  std::optional<std::int64_t> diagonal = std::nullopt;
  // Weights are 0 where this is, whatever the scores are: a mask that is what `is` says, a bias of minus infinity.
  struct Hidden {
    int value = -1;
    bool is = true;
  };
  std::optional<Hidden> hidden = std::nullopt;
};
[[nodiscard]] std::optional<AttentionShape> attention_shape(const Region& region);

// Rule of scaled_dot_product_attention, for operators.cc.
void attention(const Rule& rule);

}  // namespace kerf
