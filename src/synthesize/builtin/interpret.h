// Runs a region in double precision, one element after the other: what a region means, without any schedule. For tests
// and for asking whether a rewrite kept the meaning.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "synthesize/builtin/ir.h"

namespace kerf {

// Tensors by name (results of nodes as NAME, NAME#1 for later results), elements in memory order of the access's
// strides.
using Memory = std::map<std::string, std::vector<double>>;
[[nodiscard]] std::string memory_key(const TensorRef& ref);

// Reads loads from `memory`, writes stores into it (vectors are resized to what is written). `workload` chooses sizes.
void interpret(const Region& region, Memory& memory, std::size_t workload);

}  // namespace kerf
