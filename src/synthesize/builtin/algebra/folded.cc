#include "synthesize/builtin/algebra/folded.h"

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

constexpr std::int64_t results_a_weight = 8;

bool is_false(const GeneralArgument* argument) {
  const auto* c = argument ? std::get_if<Constant>(&argument->is) : nullptr;
  return c && std::ranges::all_of(c->values, [](const Value& v) {
           const auto* b = std::get_if<bool>(&v.is);
           return b && !*b;
         });
}

// A layer whose weight has the channels of the result first.
bool is_layer(const GeneralNode& node) {
  static const std::set<std::string> layers = {"aten.conv1d.default", "aten.conv2d.default", "aten.conv3d.default",
                                               "aten.linear.default"};
  if (!node.kwargs.empty()) return false;
  return layers.contains(node.op) ||
         (node.op == "aten.convolution.default" && node.args.size() == 9 && is_false(&node.args[6]));
}

// Whether a kernel reads the result anyway, or the result of a view of it.
bool is_read_by_a_kernel(const GeneralGraph& graph, const std::string& name) {
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    const GeneralNode& user = graph.nodes[n];
    const std::vector<TensorRef> used = references(user);
    if (std::ranges::find(used, name, &TensorRef::name) == used.end()) continue;
    if (is_trivial(user) ? is_read_by_a_kernel(graph, user.name) : lowers(graph, user) && !is_product(graph, n))
      return true;
  }
  return false;
}

}  // namespace

bool folded_norm(GeneralGraph& graph, std::size_t at) {
  const GeneralNode norm = graph.nodes[at];
  const bool core = norm.op == "aten._native_batch_norm_legit_no_training.default";
  if (!core && (norm.op != "aten.batch_norm.default" || !is_false(given(norm, 5, "training")))) return false;
  const TensorRef *result = tensor_at(norm, 0), *gamma = tensor_at(norm, 1), *beta = tensor_at(norm, 2),
                  *mean = tensor_at(norm, 3), *variance = tensor_at(norm, 4);
  const std::size_t eps_at = core ? 6 : 7;
  if (!result || !mean || !variance || norm.args.size() <= eps_at || uses(graph, result->name) != 1) return false;
  const GeneralNode* found = graph.node(result->name);
  if (!found || !is_layer(*found)) return false;
  const GeneralNode layer = *found;
  const TensorRef *weight = tensor_at(layer, 1), *bias = tensor_at(layer, 2);
  const GeneralTensor* matrix = weight ? graph.tensor(*weight) : nullptr;
  const GeneralTensor* vector = graph.tensor(*mean);
  const GeneralTensor& images = layer.results.at(0);
  if (!matrix || !vector || vector->rank() != 1 || images.dtype != Dtype::f32 || matrix->dtype != Dtype::f32)
    return false;
  if (layer.op == "aten.linear.default" ? images.rank() != 2 : images.rank() != matrix->rank()) return false;
  if (matrix->numel() * results_a_weight > images.numel() || is_read_by_a_kernel(graph, norm.name)) return false;

  std::vector<GeneralNode> made;
  const auto add = [&](const char* suffix, const char* op, std::vector<GeneralArgument> args, GeneralTensor tensor) {
    made.push_back(make_node(norm.name + suffix, op, std::move(args), std::move(tensor)));
    return TensorRef{made.back().name, 0};
  };
  TensorRef scale = add("_spread", "aten.add.Tensor", {{*variance}, norm.args[eps_at]}, *vector);
  scale = add("_scale", "aten.rsqrt.default", {{scale}}, *vector);
  if (gamma) scale = add("_gain", "aten.mul.Tensor", {{scale}, {*gamma}}, *vector);
  GeneralArgumentList sizes = {constant(graph, Value{std::int64_t{-1}})};
  sizes.resize(matrix->rank(), constant(graph, Value{std::int64_t{1}}));
  std::vector<std::vector<std::int64_t>> shape = vector->shape;
  for (auto& each : shape) each.resize(matrix->rank(), 1);
  const TensorRef column = add("_column", "aten.view.default", {{scale}, {std::move(sizes)}}, contiguous(shape));
  const TensorRef scaled = add("_weight", "aten.mul.Tensor", {{*weight}, {column}}, contiguous(matrix->shape));
  TensorRef shift = bias ? add("_centred", "aten.sub.Tensor", {{*bias}, {*mean}}, *vector)
                         : add("_centred", "aten.neg.default", {{*mean}}, *vector);
  shift = add("_shift", "aten.mul.Tensor", {{shift}, {scale}}, *vector);
  if (beta) shift = add("_bias", "aten.add.Tensor", {{shift}, {*beta}}, *vector);
  GeneralNode whole = layer;
  whole.name = norm.name;
  whole.inplace.clear();
  whole.args.resize(std::max<std::size_t>(whole.args.size(), 3));
  whole.args[1] = {scaled};
  whole.args[2] = {shift};
  made.push_back(std::move(whole));
  replace_node(graph, at, std::move(made));
  std::erase_if(graph.nodes, [&](const GeneralNode& node) { return node.name == layer.name; });
  return true;
}

}  // namespace kerf
