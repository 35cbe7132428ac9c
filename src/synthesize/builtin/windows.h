// Windows as poolings and convolutions have them: sizes, and where their elements are. For rules of operators.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "synthesize/builtin/formulas.h"

namespace kerf {

// Windows over one dimension of a value.
struct Windowed {
  std::size_t dim = 0;
  Extent in, out, kernel, stride, padding, dilation;  // `out` has values, and a text once sized
  bool ceil = false;
};

[[nodiscard]] std::string in_brackets(const std::string& text);  // where it is a sum or a quotient

// Writes `out` by ATen's formula. Refuses where the result has another size than that.
void size_windows(Windowed& windows);

// Where a window begins at each position of an axis that is made for them.
[[nodiscard]] WindowStep window_step(Lowering& lowering, const Windowed& windows);

// Moves `steps` to element `tap` of every window, counted in the order of memory; kernels are as in the primary
// workload (see Lowering::pin).
void move_to_tap(std::vector<WindowStep>& steps, const std::vector<Windowed>& windows, std::int64_t tap);

}  // namespace kerf
