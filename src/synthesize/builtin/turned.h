// Tensors that lie across the others of a region: a load of which another axis than the innermost runs along memory.
#pragma once

#include <optional>
#include <vector>

#include "synthesize/builtin/ir.h"

namespace kerf {

struct Turned {
  int axis = 0;            // that runs along memory
  std::vector<int> loads;  // which lie so, as instructions
};

// nullopt where all loads lie as the region's axes do, or where they disagree.
[[nodiscard]] std::optional<Turned> turned(const Region& region);

}  // namespace kerf
