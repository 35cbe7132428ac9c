#include "synthesize/builtin/algebra/identities.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "synthesize/builtin/lower.h"
#include "synthesize/builtin/operators.h"

namespace kerf {
namespace {

std::string key_of(const GeneralArgument& argument) {
  if (const auto* ref = std::get_if<TensorRef>(&argument.is)) return fmt::format("@{}#{}", ref->name, ref->index);
  if (const auto* dtype = std::get_if<Dtype>(&argument.is)) return to_string(*dtype);
  std::string key;
  if (const auto* list = std::get_if<GeneralArgumentList>(&argument.is)) {
    for (const GeneralArgument& each : *list) key += (key.empty() ? "" : ",") + key_of(each);
    return "[" + key + "]";
  }
  const auto& constant = std::get<Constant>(argument.is);
  for (const Value& value : constant.values) key += fmt::format("{}:{};", value.is.index(), toml_value(value));
  return key + constant.text;
}

std::string key_of(const GeneralNode& node) {
  std::string key = node.op;
  for (const GeneralArgument& argument : node.args) key += " " + key_of(argument);
  for (const auto& [name, argument] : node.kwargs) key += fmt::format(" {}={}", name, key_of(argument));
  return key;
}

bool gives_the_same_each_time(const GeneralNode& node) {
  static const std::set<std::string> products = {"linear", "matmul", "mm",     "bmm",        "addmm",
                                                 "conv1d", "conv2d", "conv3d", "convolution"};
  if (!node.op.starts_with("aten.") || node.base().find("dropout") != std::string::npos || node.base() == "rrelu")
    return false;
  // Masks are computed again by each that needs one, and integers cannot be stored by a kernel.
  if (std::ranges::any_of(node.results, [](const GeneralTensor& t) { return t.dtype != Dtype::f32; })) return false;
  return has_lowering(node) || products.contains(node.base());
}

void replace(GeneralArgument& argument, const std::map<std::string, std::string>& instead) {
  if (auto* ref = std::get_if<TensorRef>(&argument.is)) {
    if (const auto it = instead.find(ref->name); it != instead.end()) ref->name = it->second;
  } else if (auto* list = std::get_if<GeneralArgumentList>(&argument.is)) {
    for (GeneralArgument& each : *list) replace(each, instead);
  }
}

// The node that gives the argument, if nothing else uses it.
const GeneralNode* only_use(const GeneralGraph& graph, const GeneralNode& node, std::size_t at) {
  const TensorRef* ref = tensor_at(node, at);
  return ref && uses(graph, ref->name) == 1 ? graph.node(ref->name) : nullptr;
}

}  // namespace

const TensorRef* tensor_at(const GeneralNode& node, std::size_t at) {
  return at < node.args.size() ? std::get_if<TensorRef>(&node.args[at].is) : nullptr;
}

std::size_t uses(const GeneralGraph& graph, const std::string& name) {
  std::size_t count = 0;
  for (const GeneralNode& node : graph.nodes)
    for (const TensorRef& used : references(node)) count += used.name == name ? 1 : 0;
  for (const TensorRef& output : graph.outputs) count += output.name == name ? 1 : 0;
  return count;
}

void share_equal_nodes(GeneralGraph& graph) {
  std::map<std::string, std::string> first, instead;
  std::erase_if(graph.nodes, [&](GeneralNode& node) {
    for (GeneralArgument& argument : node.args) replace(argument, instead);
    for (auto& [name, argument] : node.kwargs) replace(argument, instead);
    if (!gives_the_same_each_time(node)) return false;
    const auto [it, fresh] = first.emplace(key_of(node), node.name);
    if (!fresh) instead.emplace(node.name, it->second);
    return !fresh;
  });
  for (TensorRef& output : graph.outputs)
    if (const auto it = instead.find(output.name); it != instead.end()) output.name = it->second;
}

void drop_unused_nodes(GeneralGraph& graph) {
  std::set<std::string> needed;
  for (const TensorRef& output : graph.outputs) needed.insert(output.name);
  for (auto node = graph.nodes.rbegin(); node != graph.nodes.rend(); ++node)
    if (needed.contains(node->name))
      for (const TensorRef& ref : references(*node)) needed.insert(ref.name);
  std::erase_if(graph.nodes, [&](const GeneralNode& node) { return !needed.contains(node.name); });
}

bool log_of_softmax(GeneralGraph& graph, std::size_t at) {
  GeneralNode& log = graph.nodes[at];
  if (log.op != "aten.log.default") return false;
  const GeneralNode* softmax = only_use(graph, log, 0);
  if (!softmax) return false;
  if (softmax->op != "aten.softmax.int" && softmax->op != "aten._softmax.default") return false;
  if (softmax->results.at(0).dtype != Dtype::f32 || !softmax->kwargs.empty()) return false;
  log.op = softmax->op == "aten.softmax.int" ? "aten.log_softmax.int" : "aten._log_softmax.default";
  log.inplace.clear();
  log.args = softmax->args;
  const std::string dead = softmax->name;
  std::erase_if(graph.nodes, [&](const GeneralNode& node) { return node.name == dead; });
  return true;
}

bool diagonal_product(GeneralGraph& graph, std::size_t at) {
  const std::set<std::string> products = {"aten.matmul.default", "aten.mm.default"};
  if (!products.contains(graph.nodes[at].op) || graph.nodes[at].args.size() != 2) return false;
  for (const std::size_t side : {0, 1}) {
    GeneralNode& product = graph.nodes[at];
    const GeneralNode* diagonal = only_use(graph, product, side);
    if (!diagonal || (diagonal->op != "aten.diag.default" && diagonal->op != "aten.diag_embed.default")) continue;
    if (diagonal->args.size() != 1 &&
        !(diagonal->args.size() == 2 &&
          key_of(diagonal->args[1]) ==
              key_of({Constant{.values = std::vector<Value>(graph.workloads.size(), Value{std::int64_t{0}}),
                               .text = ""}})))
      continue;
    const TensorRef* vector = tensor_at(*diagonal, 0);
    const TensorRef* matrix = tensor_at(product, 1 - side);
    const GeneralTensor* of = vector ? graph.tensor(*vector) : nullptr;
    const GeneralTensor* other = matrix ? graph.tensor(*matrix) : nullptr;
    if (!of || !other || of->rank() != 1 || other->rank() != 2 || of->dtype != Dtype::f32 || other->dtype != Dtype::f32)
      continue;
    GeneralNode column = *diagonal;
    const TensorRef factor = side == 0 ? TensorRef{column.name, 0} : *vector;
    const std::string diagonal_name = diagonal->name;
    product.op = "aten.mul.Tensor";
    product.inplace.clear();
    product.args = {{factor}, {*matrix}};
    if (side == 1) {
      std::erase_if(graph.nodes, [&](const GeneralNode& node) { return node.name == diagonal_name; });
      return true;
    }
    // The vector stands up: it takes the place of the matrix that it would have been.
    column.op = "aten.unsqueeze.default";
    column.args = {
        column.args[0],
        {Constant{.values = std::vector<Value>(graph.workloads.size(), Value{std::int64_t{1}}), .text = ""}}};
    GeneralTensor& result = column.results.at(0);
    for (std::size_t w = 0; w < result.shape.size(); ++w) {
      result.shape[w] = {of->shape[w][0], 1};
      result.stride[w] = contiguous_strides(result.shape[w]);
    }
    graph.nodes[*graph.position(diagonal_name)] = std::move(column);
    return true;
  }
  return false;
}

}  // namespace kerf
