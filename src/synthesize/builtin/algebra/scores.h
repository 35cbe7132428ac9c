// What stands in the softmax of an attention: s (q k') with biases added and places masked out.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "synthesize/builtin/algebra/contraction.h"
#include "synthesize/builtin/algebra/positions.h"
#include "synthesize/general.h"

namespace kerf {

// scale * product + bias, where the bias is minus infinity at places that were masked out.
struct Scores {
  Contraction product;
  std::vector<std::vector<std::int64_t>> shape;
  Constant scale;
  // One number for each matrix of scores, that the product is multiplied with or divided by.
  std::optional<TensorRef> factor;
  bool divides = false;

  std::optional<TensorRef> bias;  // of f32; none where nothing was added or masked out
  GeneralTensor bias_tensor;
  std::optional<Pattern> positions = everywhere(0);  // of the bias, where they alone tell
  std::vector<GeneralNode> made;                     // nodes that compute the bias
  bool hides = false;  // whether a literal minus infinity is among what was added or filled in
  bool fills = false;  // whether places were filled with a large negative number: rows of those alone weigh all alike
};

// Below this what is filled in or added has no weight beside scores of common size.
constexpr double out_of_sight = -1e6;

[[nodiscard]] Constant times(const Constant& a, const Constant& b, bool divide);
// A number that the node multiplies its first operand with or divides it by, and which of the two.
[[nodiscard]] std::optional<std::pair<Constant, bool>> number_behind(const GeneralNode& node);

// `ref` taken apart, down to a product that only it needs. `name` is what new nodes are called after.
[[nodiscard]] std::optional<Scores> scores(const GeneralGraph& graph, const TensorRef& ref, const std::string& name);

}  // namespace kerf
