// How much each level of cache lets through, from the plan alone.
#pragma once

#include <vector>

namespace kerf {

struct Touch {
  int storage = 0;   // tensors with equal storage share memory
  double bytes = 0;  // of it that a step touches, each once
};

// Of what steps touch, run one after the other from empty caches: the bytes that a cache of `capacity` bytes (least
// recently used goes first) does not hold from one step to the next, so that they come from beyond it. Memory is held
// where it and all that was touched since its last step began fit. What a step itself does twice with the same bytes is
// not seen, so that this is the least.
[[nodiscard]] double bytes_beyond(const std::vector<std::vector<Touch>>& steps, double capacity);

}  // namespace kerf
