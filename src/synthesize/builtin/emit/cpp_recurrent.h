// Recurrent networks in C++: a launch a layer and direction, in which each task takes some sequences through all steps.
#pragma once

#include <string>
#include <vector>

#include "synthesize/builtin/recurrent.h"

namespace kerf {

// Texts for a plan; tensors are placeholders (lowering.h) but for scratch.
struct EmittedRecurrent {
  std::string scratch, steps;
  std::size_t count = 0;                         // of steps
  std::vector<std::vector<std::string>> shapes;  // of the node's results: expressions
};

// `prefix` begins the names of scratch. `frozen`: all weights are parameters, so that they are packed in prepare steps.
[[nodiscard]] EmittedRecurrent recurrent_steps(const Recurrent& network, const GeneralNode& node,
                                               const std::string& prefix, bool frozen);
// The kernels that the steps launch, for sequences by the tune axis ROWS.
[[nodiscard]] std::string recurrent_kernels(bool lstm, bool gru);

}  // namespace kerf
