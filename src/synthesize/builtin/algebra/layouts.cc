#include "synthesize/builtin/algebra/layouts.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "synthesize/builtin/algebra/bias.h"
#include "synthesize/builtin/algebra/building.h"
#include "synthesize/builtin/algebra/identities.h"
#include "synthesize/builtin/lower.h"

namespace kerf {
namespace {

// Strides of a tensor whose second dimension runs along memory.
std::vector<std::int64_t> channels_last_strides(const std::vector<std::int64_t>& shape) {
  std::vector<std::int64_t> strides(shape.size());
  std::int64_t step = shape[1];
  strides[1] = 1;
  for (std::size_t d = shape.size(); d-- > 2;) {
    strides[d] = step;
    step *= shape[d];
  }
  strides[0] = step;
  return strides;
}

GeneralTensor channels_last(GeneralTensor tensor) {
  for (std::size_t w = 0; w < tensor.shape.size(); ++w) tensor.stride[w] = channels_last_strides(tensor.shape[w]);
  return tensor;
}

// Whether a tensor says in every workload that it is in channels_last: with one channel or one place, strides do not
// tell.
bool tells(const GeneralTensor& tensor) {
  return std::ranges::all_of(tensor.shape, [](const std::vector<std::int64_t>& shape) {
    std::int64_t places = 1;
    for (std::size_t d = 2; d < shape.size(); ++d) places *= shape[d];
    return shape[1] > 1 && places > 1;
  });
}

// Images with so many channels that a kernel of ours turns them faster than PyTorch does, and with strides that tell.
bool has_channels(const GeneralTensor& x) {
  constexpr std::int64_t most_lanes = 16;
  return x.shape[0][1] >= most_lanes && tells(x);
}

// Grouped ones are left as they are: oneDNN gains nothing on them in this layout.
bool one_group(const GeneralNode& node, const GeneralTensor& x, const GeneralTensor& weight) {
  const bool transposed = node.base().starts_with("conv_transpose");
  for (std::size_t w = 0; w < weight.shape.size(); ++w)
    if (weight.shape[w][1] != (transposed ? node.results[0].shape[w][1] : x.shape[w][1])) return false;
  return true;
}

bool can_be_last(const GeneralGraph& graph, const GeneralNode& node) {
  static const std::set<std::string> convolutions = {"conv2d", "conv3d", "conv_transpose2d", "conv_transpose3d"};
  if (!node.op.starts_with("aten.") || !convolutions.contains(node.base()) || node.results.size() != 1) return false;
  const TensorRef *input = tensor_at(node, 0), *weight = tensor_at(node, 1);
  const GeneralTensor* x = input ? graph.tensor(*input) : nullptr;
  const GeneralTensor* w = weight ? graph.tensor(*weight) : nullptr;
  const std::size_t rank = node.base().ends_with("2d") ? 4 : 5;
  for (const GeneralTensor* each : {x, w, &node.results[0]})
    if (!each || each->dtype != Dtype::f32 || each->rank() != rank || !each->contiguous()) return false;
  return (has_channels(*x) || tells(*w)) && one_group(node, *x, *w);
}

// A linear layer with so few rows, and so large a weight, that reading the weight is what takes time.
bool has_few_rows(const GeneralGraph& graph, std::size_t at) {
  constexpr std::int64_t few = 32, large = 1 << 18;
  const GeneralNode& node = graph.nodes[at];
  if (node.op != "aten.linear.default" || !node.kwargs.empty() || node.results.size() != 1) return false;
  const TensorRef *input = tensor_at(node, 0), *weight = tensor_at(node, 1);
  const GeneralTensor* x = input ? graph.tensor(*input) : nullptr;
  const GeneralTensor* w = weight ? graph.tensor(*weight) : nullptr;
  for (const GeneralTensor* each : {x, w, &node.results[0]})
    if (!each || each->dtype != Dtype::f32 || each->rank() != 2 || !each->contiguous()) return false;
  if (x->shape[0][0] < 2 || x->shape[0][0] > few || w->numel() < large) return false;
  return !lowers(graph, node) || is_product(graph, at);
}

GeneralTensor transposed(GeneralTensor tensor) {
  for (auto& shape : tensor.shape) std::ranges::reverse(shape);
  for (auto& stride : tensor.stride) std::ranges::reverse(stride);
  return tensor;
}

GeneralNode copied(const GeneralGraph& graph, const std::string& name, const TensorRef& of, const char* format,
                   GeneralTensor result) {
  GeneralNode made = make_node(name, "aten.clone.default", {{of}}, std::move(result));
  made.kwargs.emplace_back("memory_format", constant(graph, Value{std::string(format)}));
  return made;
}

}  // namespace

GeneralGraph with_few_rows_turned(GeneralGraph graph) {
  for (std::size_t at = 0; at < graph.nodes.size(); ++at) {
    if (!has_few_rows(graph, at)) continue;
    add_bias_behind(graph, at);
    const GeneralNode linear = graph.nodes[at];
    const std::string& name = linear.name;
    const TensorRef x = *tensor_at(linear, 0), weight = *tensor_at(linear, 1);
    GeneralTensor columns = transposed(linear.results[0]);
    for (std::size_t w = 0; w < columns.shape.size(); ++w) columns.stride[w] = contiguous_strides(columns.shape[w]);
    std::vector<GeneralNode> made;
    made.push_back(make_node(name + "_input", "aten.t.default", {{x}}, transposed(*graph.tensor(x))));
    made.push_back(
        make_node(name + "_turned", "aten.mm.default", {{weight}, {TensorRef{name + "_input", 0}}}, columns));
    made.push_back(
        make_node(name + "_rows", "aten.t.default", {{TensorRef{name + "_turned", 0}}}, transposed(columns)));
    made.push_back(copied(graph, name, {name + "_rows", 0}, "contiguous_format", linear.results[0]));
    replace_node(graph, at, std::move(made));
  }
  return graph;
}

std::optional<GeneralGraph> in_channels_last(GeneralGraph graph) {
  // PyTorch adds a bias in this layout in a slow pass of its own.
  for (std::size_t at = 0; at < graph.nodes.size(); ++at)
    if (can_be_last(graph, graph.nodes[at])) add_bias_behind(graph, at);
  std::vector<GeneralNode> nodes;
  const auto copy = [&](const std::string& name, const TensorRef& of, const char* format, GeneralTensor result) {
    nodes.push_back(copied(graph, name, of, format, std::move(result)));
    return TensorRef{name, 0};
  };
  const auto permute = [&](const std::string& name, const char* op, const TensorRef& of,
                           const std::vector<std::int64_t>& order, const GeneralTensor& from) {
    GeneralArgumentList dims;
    GeneralTensor result = from;
    for (const std::int64_t d : order) dims.push_back(constant(graph, Value{d}));
    for (std::size_t w = 0; w < from.shape.size(); ++w)
      for (std::size_t k = 0; k < order.size(); ++k) {
        result.shape[w][k] = from.shape[w][static_cast<std::size_t>(order[k])];
        result.stride[w][k] = from.stride[w][static_cast<std::size_t>(order[k])];
      }
    nodes.push_back(make_node(name, op, {{of}, {std::move(dims)}}, std::move(result)));
    return TensorRef{name, 0};
  };
  // The same images with all channels of a place side by side: as a tensor of that shape, which a kernel can write, and
  // as the convolution sees it.
  const auto turn = [&](const TensorRef& x, const std::string& name) {
    const auto rank = static_cast<std::int64_t>(graph.tensor(x)->rank());
    std::vector<std::int64_t> places = {0}, back = {0, rank - 1};
    for (std::int64_t d = 2; d < rank; ++d) places.push_back(d);
    for (std::int64_t d = 1; d < rank - 1; ++d) back.push_back(d);
    places.push_back(1);
    const TensorRef laid = permute(name + "_input", "aten.permute_copy.default", x, places, *graph.tensor(x));
    nodes.back().results[0] = contiguous(nodes.back().results[0].shape);
    return permute(name + "_image", "aten.permute.default", laid, back, GeneralTensor(nodes.back().results[0]));
  };
  std::map<std::pair<std::string, int>, TensorRef> images;
  for (const GeneralNode& node : graph.nodes) {
    if (!can_be_last(graph, node)) {
      nodes.push_back(node);
      continue;
    }
    GeneralNode convolution = node;
    convolution.name += "_last";
    convolution.inplace.clear();
    // One of its tensors in that layout makes PyTorch bring the other one into it.
    const TensorRef x = *tensor_at(node, 0), weight = *tensor_at(node, 1);
    if (has_channels(*graph.tensor(x))) {
      auto [image, is_new] = images.try_emplace(std::pair(x.name, x.index));
      if (is_new) image->second = turn(x, node.name);
      convolution.args[0] = {image->second};
    } else {
      convolution.args[1] = {copy(node.name + "_weight", weight,
                                  node.base().ends_with("2d") ? "channels_last" : "channels_last_3d",
                                  channels_last(*graph.tensor(weight)))};
    }
    convolution.results[0] = channels_last(node.results[0]);
    nodes.push_back(std::move(convolution));
    copy(node.name, {node.name + "_last", 0}, "contiguous_format", node.results[0]);
  }
  if (nodes.size() == graph.nodes.size()) return std::nullopt;
  graph.nodes = std::move(nodes);
  return graph;
}

}  // namespace kerf
