// Tensors that are known from their positions alone: masks that a graph builds from ones, triangles and ranges.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <variant>

#include "synthesize/general.h"

namespace kerf {

// An element by its row i and its column j, its positions in the last two dimensions.
struct Ramp {
  double i = 0, j = 0, at = 0;  // i * row + j * column + at
};
struct Triangle {
  double within = 0, beyond = 0;  // column - row <= diagonal, or more
  std::int64_t diagonal = 0;
};
using Pattern = std::variant<Ramp, Triangle>;

[[nodiscard]] inline Pattern everywhere(double value) { return Ramp{.i = 0, .j = 0, .at = value}; }

// Whatever is drawn, in every workload; truth is 1. nullopt where that is not known.
[[nodiscard]] std::optional<Pattern> pattern(const GeneralGraph& graph, const TensorRef& ref);
// Element by element, where both are constant in the same parts.
[[nodiscard]] std::optional<Pattern> combine(const Pattern& a, const Pattern& b,
                                             const std::function<double(double, double)>& f);

}  // namespace kerf
