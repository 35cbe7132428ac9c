#include "synthesize/builtin/recurrent.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "synthesize/builtin/algebra/building.h"
#include "synthesize/builtin/algebra/contraction.h"
#include "synthesize/builtin/algebra/identities.h"

namespace kerf {
namespace {

// C++: measured up to ten, where one thread gained nothing any more (docs/synthesizer.md).
constexpr std::int64_t few_sequences = 8;
// CUDA: multiplications of a step that 128 SMs do in 1.5 us, less than the launches of a step of the library take.
constexpr std::int64_t few_multiplications = 1 << 25;

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

constexpr const char* steps_first = ".steps_first";  // of the name of a node whose result has them so

bool is_few(const GeneralGraph& graph, const Recurrent& r, Language language) {
  const std::vector<std::int64_t>& states = graph.tensor(r.hidden)->shape[0];  // layers, sequences, units
  if (language == Language::cpp) return states[1] <= few_sequences;
  return language == Language::cuda && !units_a_warp(graph, r).empty() &&
         static_cast<std::int64_t>(r.gates()) * states[1] * states[2] * states[2] <= few_multiplications;
}

GeneralTensor turned(GeneralTensor tensor) {
  for (auto* lists : {&tensor.shape, &tensor.stride})
    for (auto& each : *lists) std::swap(each[0], each[1]);
  return tensor;
}

// The library gives sequences as a view of steps: so does a kernel whose result is no output, which has strides of its
// own.
void give_steps_first(GeneralGraph& graph, std::size_t at) {
  GeneralNode kernel = graph.nodes[at];
  const std::string name = kernel.name;
  kernel.name += "_steps";
  kernel.op += steps_first;
  GeneralNode view = make_node(name, "aten.transpose.int",
                               {{TensorRef{kernel.name, 0}},
                                {constant(graph, Value{std::int64_t{0}})},
                                {constant(graph, Value{std::int64_t{1}})}},
                               kernel.results[0]);
  kernel.results[0] = turned(kernel.results[0]);
  for (int state = 1; state < static_cast<int>(kernel.results.size()); ++state) {
    const TensorRef from{name, state}, to{kernel.name, state};
    for (GeneralNode& node : graph.nodes)
      for (GeneralArgument& argument : node.args) rename(argument, from, to);
    std::ranges::replace(graph.outputs, from, to);
  }
  replace_node(graph, at, {std::move(kernel), std::move(view)});
}

}  // namespace

bool is_recurrent_kernel(const GeneralNode& node) {
  return node.op.starts_with("kerf.lstm") || node.op.starts_with("kerf.gru");
}

std::optional<Recurrent> recurrent(const GeneralGraph& graph, const GeneralNode& node) {
  Recurrent made;
  made.lstm = node.op == "aten.lstm.input" || node.op.starts_with("kerf.lstm");
  if (!made.lstm && node.op != "aten.gru.input" && !is_recurrent_kernel(node)) return std::nullopt;
  made.steps_first = node.op.ends_with(steps_first);
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

std::vector<std::int64_t> units_a_warp(const GeneralGraph& graph, const Recurrent& network) {
  const auto gates = static_cast<std::int64_t>(network.gates()), units = graph.tensor(network.hidden)->shape[0][2];
  const std::int64_t columns = (units + 31) / 32;  // that a lane has of each row
  constexpr std::int64_t most_weights = 128;       // of a thread's 255 registers
  std::vector<std::int64_t> made;
  for (const std::int64_t each : {2, 4, 1}) {
    const std::int64_t blocks = (units + recurrent_warps * each - 1) / (recurrent_warps * each);
    if (gates * each * columns <= most_weights &&
        static_cast<std::int64_t>(network.directions()) * blocks <= 2 * recurrent_blocks)
      made.push_back(each);
  }
  return made;
}

GeneralGraph with_recurrent_kernels(GeneralGraph graph, Language language) {
  for (std::size_t at = 0; at < graph.nodes.size(); ++at) {
    GeneralNode& node = graph.nodes[at];
    const auto found = recurrent(graph, node);
    if (!found || !is_few(graph, *found, language)) continue;
    const bool is_output = std::ranges::find(graph.outputs, TensorRef{node.name, 0}) != graph.outputs.end();
    const GeneralTensor& result = node.results[0];
    const bool turns = !result.contiguous() && !is_output;
    if (turns && !turned(result).contiguous()) continue;
    node.op = found->lstm ? "kerf.lstm" : "kerf.gru";
    if (turns) give_steps_first(graph, at);
  }
  return graph;
}

}  // namespace kerf
