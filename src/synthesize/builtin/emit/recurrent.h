// Recurrent networks as steps of a plan: a layer's share of the input is one product for all its steps, then kernels
// run through these. In C++ a launch a layer and direction, in which each task takes some sequences; in CUDA a
// cooperative launch a layer, whose blocks hold the layer's weights and exchange the hidden state.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "candidate/candidate.h"
#include "synthesize/builtin/ir.h"
#include "synthesize/builtin/recurrent.h"

namespace kerf {

// Texts for a plan; tensors are placeholders (lowering.h) but for scratch.
struct EmittedRecurrent {
  std::string scratch, steps;
  std::size_t count = 0;                         // of steps
  std::vector<std::vector<std::string>> shapes;  // of the node's results: expressions
  std::string tune;                              // the axis that the kernels need
  std::vector<std::int64_t> values;              // of it
  std::vector<Requirement> requirements;
};

// `prefix` begins the names of scratch, and of the tune axis in CUDA. `frozen`: all weights are parameters, so that
// what is packed of them is packed in prepare steps.
[[nodiscard]] EmittedRecurrent recurrent_steps(const GeneralGraph& graph, const Recurrent& network,
                                               const GeneralNode& node, const std::string& prefix, bool frozen,
                                               Language language);

// The kernels that the steps launch.
[[nodiscard]] std::string recurrent_kernels_in_cpp(bool lstm, bool gru);
[[nodiscard]] std::string recurrent_kernels_in_cuda(bool lstm, bool gru);

}  // namespace kerf
