// Recurrent networks (LSTM, GRU) as kernels that run a layer's whole sequence: which calls of the library they replace.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "synthesize/general.h"

namespace kerf {

// A layer in one direction. Its matrices have a row for each unit of each gate.
struct RecurrentLayer {
  TensorRef input_weight, weight, input_bias, bias;
};

struct Recurrent {
  bool lstm = false;  // else a GRU
  bool batch_first = false;
  bool both_ways = false;
  TensorRef x, hidden;                 // hidden [layers, batch, units], both directions of a layer one after the other
  std::optional<TensorRef> cell;       // of an LSTM
  std::vector<RecurrentLayer> layers;  // in that order, too
  [[nodiscard]] std::size_t gates() const { return lstm ? 4 : 3; }
  [[nodiscard]] std::size_t directions() const { return both_ways ? 2 : 1; }
};

// Of aten.lstm.input and aten.gru.input, or what with_recurrent_kernels() made of them; nullopt for any other node, and
// without biases, with projections, with dropout, for anything but f32.
[[nodiscard]] std::optional<Recurrent> recurrent(const GeneralGraph& graph, const GeneralNode& node);

// The graph with networks of few sequences as nodes kerf.lstm and kerf.gru, which compose() writes as kernels (C++).
// With more sequences the library's products of matrices are as fast.
[[nodiscard]] GeneralGraph with_recurrent_kernels(GeneralGraph graph);
// Whether the node is one of those.
[[nodiscard]] bool is_recurrent_kernel(const GeneralNode& node);

}  // namespace kerf
