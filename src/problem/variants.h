// Hidden variants: other sizes and hyperparameters of the same file, on which a candidate must be right, too.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "problem/problem.h"

namespace kerf {

// Values to try for one module-level name, the preferred one first.
struct SizeProposal {
  std::string name;
  std::vector<Value> values;
};

// What to change in variant `index`, most important first; deterministic. The first variant (and every second one
// after) has small, odd sizes, different ones for names that have the same, and leaves hyperparameters alone; the
// others have middling odd sizes and other hyperparameters. None grows a size by more than one. Whether a combination
// makes sense is found out by trying it.
[[nodiscard]] std::vector<SizeProposal> propose_variant(const std::vector<std::pair<std::string, Value>>& module_sizes,
                                                        int index);

}  // namespace kerf
