// Recurrent networks (LSTM, GRU) as kernels that run a layer's whole sequence: which calls of the library they replace.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "candidate/candidate.h"
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
  bool steps_first = false;            // in the result, whatever the input has
  TensorRef x, hidden;                 // hidden [layers, batch, units], both directions of a layer one after the other
  std::optional<TensorRef> cell;       // of an LSTM
  std::vector<RecurrentLayer> layers;  // in that order, too
  [[nodiscard]] std::size_t gates() const { return lstm ? 4 : 3; }
  [[nodiscard]] std::size_t directions() const { return both_ways ? 2 : 1; }
};

// Of aten.lstm.input and aten.gru.input, or what with_recurrent_kernels() made of them; nullopt for any other node, and
// without biases, with projections, with dropout, for anything but f32.
[[nodiscard]] std::optional<Recurrent> recurrent(const GeneralGraph& graph, const GeneralNode& node);

// In CUDA a layer's weights stay in registers of blocks of so many warps that run together, one an SM. Groups of blocks
// share sequences out where all of them are so many at most (what the emulation holds, too); a layer that one group
// barely holds has up to twice as many (an H100 has 132 SMs).
inline constexpr std::int64_t recurrent_blocks = 64, recurrent_warps = 8;
// How many units of the layer a warp may have there, so that the weights of the primary workload fit; the best guess
// first. Empty where none does.
[[nodiscard]] std::vector<std::int64_t> units_a_warp(const GeneralGraph& graph, const Recurrent& network);

// The graph with networks of few sequences as nodes kerf.lstm and kerf.gru, which compose() writes as kernels (C++,
// CUDA). With more sequences the library's products of matrices are as fast.
[[nodiscard]] GeneralGraph with_recurrent_kernels(GeneralGraph graph, Language language);
// Whether the node is one of those.
[[nodiscard]] bool is_recurrent_kernel(const GeneralNode& node);

}  // namespace kerf
