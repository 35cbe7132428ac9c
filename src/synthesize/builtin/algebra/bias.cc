#include "synthesize/builtin/algebra/bias.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "synthesize/builtin/algebra/building.h"
#include "synthesize/builtin/algebra/identities.h"
#include "synthesize/builtin/lower.h"

namespace kerf {
namespace {

bool is_convolution(const GeneralNode& node) {
  static const std::set<std::string> names = {"conv1d",           "conv2d",           "conv3d",
                                              "conv_transpose1d", "conv_transpose2d", "conv_transpose3d"};
  return node.op.starts_with("aten.") && names.contains(node.base());
}

}  // namespace

bool add_bias_behind(GeneralGraph& graph, std::size_t at) {
  const GeneralNode node = graph.nodes[at];
  const bool linear = node.op == "aten.linear.default";
  const TensorRef* ref = tensor_at(node, 2);
  const GeneralTensor* bias = ref ? graph.tensor(*ref) : nullptr;
  if ((!linear && !is_convolution(node)) || node.results.size() != 1 || !bias) return false;
  const GeneralTensor& result = node.results[0];
  if (bias->rank() != 1 || bias->dtype != Dtype::f32 || result.dtype != Dtype::f32 ||
      result.rank() < (linear ? 1U : 3U))
    return false;
  // Images without a batch have their channels first.
  for (std::size_t w = 0; w < result.shape.size(); ++w)
    if (bias->shape[w][0] != (linear ? result.shape[w].back() : result.shape[w][1])) return false;
  std::vector<GeneralNode> made;
  GeneralNode product = node;
  product.name += "_product";
  product.inplace.clear();
  product.args[2] = constant(graph, Value{});
  TensorRef added = *ref;
  made.push_back(std::move(product));
  if (!linear) {
    GeneralNode view{.name = node.name + "_bias",
                     .op = "aten.view.default",
                     .inplace = "",
                     .args = {{added}, {GeneralArgumentList{constant(graph, Value{std::int64_t{-1}})}}},
                     .kwargs = {},
                     .results = {*bias}};
    for (std::size_t d = 2; d < result.rank(); ++d)
      std::get<GeneralArgumentList>(view.args[1].is).push_back(constant(graph, Value{std::int64_t{1}}));
    for (std::size_t w = 0; w < bias->shape.size(); ++w) {
      view.results[0].shape[w].resize(result.rank() - 1, 1);
      view.results[0].stride[w] = contiguous_strides(view.results[0].shape[w]);
    }
    added = {view.name, 0};
    made.push_back(std::move(view));
  }
  made.push_back({.name = node.name,
                  .op = "aten.add.Tensor",
                  .inplace = "",
                  .args = {{TensorRef{node.name + "_product", 0}}, {added}},
                  .kwargs = {},
                  .results = {result}});
  replace_node(graph, at, std::move(made));
  return true;
}

GeneralGraph with_biases_behind(GeneralGraph graph, Language language) {
  // cuBLAS adds the bias of a linear layer in its product.
  const auto costs = [&](const GeneralNode& node) {
    return language == Language::cpp ? node.base() == "linear" || node.base().starts_with("conv_transpose")
                                     : is_convolution(node);
  };
  for (std::size_t at = 0; at < graph.nodes.size(); ++at) {
    const GeneralNode& node = graph.nodes[at];
    if (!costs(node) || (lowers(graph, node) && !is_product(graph, at))) continue;
    std::size_t users = 0, generated = 0;
    for (const GeneralNode& other : graph.nodes)
      for (const TensorRef& ref : references(other)) {
        if (ref.name != node.name) continue;
        ++users;
        if (!is_trivial(other) && lowers(graph, other)) ++generated;
      }
    if (users > 0 && users == generated && uses(graph, node.name) == users) add_bias_behind(graph, at);
  }
  return graph;
}

}  // namespace kerf
