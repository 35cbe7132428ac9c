#include "synthesize/builtin/recurrent.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "synthesize/builtin/algebra/contraction.h"
#include "synthesize/builtin/algebra/identities.h"

namespace kerf {
namespace {

// Measured up to ten, where one thread gained nothing any more (docs/synthesizer.md).
constexpr std::int64_t few_sequences = 8;

const GeneralArgumentList* list_at(const GeneralNode& node, std::size_t at) {
  return at < node.args.size() ? std::get_if<GeneralArgumentList>(&node.args[at].is) : nullptr;
}

bool is_plain(const GeneralGraph& graph, const TensorRef& ref, std::size_t rank) {
  const GeneralTensor* tensor = graph.tensor(ref);
  return tensor && tensor->dtype == Dtype::f32 && tensor->rank() == rank && tensor->contiguous();
}

bool fits(const GeneralGraph& graph, const Recurrent& r) {
  const GeneralTensor* x = graph.tensor(r.x);
  if (!x || x->dtype != Dtype::f32 || x->rank() != 3 || !is_plain(graph, r.hidden, 3)) return false;
  if (r.cell && !is_plain(graph, *r.cell, 3)) return false;
  const GeneralTensor& hidden = *graph.tensor(r.hidden);
  for (const RecurrentLayer& layer : r.layers) {
    if (!is_plain(graph, layer.input_weight, 2) || !is_plain(graph, layer.weight, 2) ||
        !is_plain(graph, layer.input_bias, 1) || !is_plain(graph, layer.bias, 1))
      return false;
    const GeneralTensor& weight = *graph.tensor(layer.weight);
    for (std::size_t w = 0; w < weight.shape.size(); ++w) {
      const std::int64_t units = hidden.shape[w][2];
      if (weight.shape[w] != std::vector{static_cast<std::int64_t>(r.gates()) * units, units}) return false;
      if (r.cell && graph.tensor(*r.cell)->shape[w] != hidden.shape[w]) return false;
    }
  }
  return true;
}

}  // namespace

bool is_recurrent_kernel(const GeneralNode& node) { return node.op == "kerf.lstm" || node.op == "kerf.gru"; }

std::optional<Recurrent> recurrent(const GeneralGraph& graph, const GeneralNode& node) {
  Recurrent made;
  made.lstm = node.op == "aten.lstm.input" || node.op == "kerf.lstm";
  if (!made.lstm && node.op != "aten.gru.input" && node.op != "kerf.gru") return std::nullopt;
  // input, hx, params, has_biases, num_layers, dropout, train, bidirectional, batch_first
  const TensorRef* x = tensor_at(node, 0);
  const GeneralArgumentList* weights = list_at(node, 2);
  if (!x || !weights || node.args.size() != 9 || !node.kwargs.empty()) return std::nullopt;
  const auto flag = [&](std::size_t at) { return literal(node.args[at]); };
  const auto biases = flag(3), layers = flag(4), dropout = flag(5), train = flag(6), both = flag(7), first = flag(8);
  if (!biases || !layers || !dropout || !train || !both || !first) return std::nullopt;
  if (*biases == 0 || (*dropout != 0 && *train != 0 && *layers > 1)) return std::nullopt;
  made.x = *x;
  made.both_ways = *both != 0;
  made.batch_first = *first != 0;
  if (made.lstm) {
    const GeneralArgumentList* states = list_at(node, 1);
    const auto* hidden = states && states->size() == 2 ? std::get_if<TensorRef>(&(*states)[0].is) : nullptr;
    const auto* cell = hidden ? std::get_if<TensorRef>(&(*states)[1].is) : nullptr;
    if (!cell) return std::nullopt;
    made.hidden = *hidden;
    made.cell = *cell;
  } else if (const TensorRef* hidden = tensor_at(node, 1)) {
    made.hidden = *hidden;
  } else {
    return std::nullopt;
  }
  constexpr std::size_t each = 4;
  const std::size_t count = static_cast<std::size_t>(*layers) * made.directions();
  if (weights->size() != each * count) return std::nullopt;
  for (std::size_t l = 0; l < count; ++l) {
    const auto ref = [&](std::size_t k) { return std::get_if<TensorRef>(&(*weights)[each * l + k].is); };
    if (!ref(0) || !ref(1) || !ref(2) || !ref(3)) return std::nullopt;
    made.layers.push_back({.input_weight = *ref(0), .weight = *ref(1), .input_bias = *ref(2), .bias = *ref(3)});
  }
  return fits(graph, made) ? std::optional(std::move(made)) : std::nullopt;
}

GeneralGraph with_recurrent_kernels(GeneralGraph graph) {
  for (GeneralNode& node : graph.nodes) {
    const auto found = recurrent(graph, node);
    if (found && graph.tensor(found->hidden)->shape[0][1] <= few_sequences)
      node.op = found->lstm ? "kerf.lstm" : "kerf.gru";
  }
  return graph;
}

}  // namespace kerf
