#include "synthesize/builtin/algebra/attention.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "synthesize/builtin/algebra/building.h"
#include "synthesize/builtin/algebra/identities.h"

namespace kerf {
namespace {

bool is_product(const GeneralNode& node) {
  static const std::set<std::string> products = {"aten.bmm.default", "aten.matmul.default"};
  return products.contains(node.op) && node.args.size() == 2 && node.kwargs.empty();
}

// The node that gives the argument, if nothing else needs it.
const GeneralNode* only_for(const GeneralGraph& graph, const GeneralNode& user, std::size_t at) {
  const TensorRef* ref = tensor_at(user, at);
  return ref && uses(graph, ref->name) == 1 ? graph.node(ref->name) : nullptr;
}

std::optional<std::int64_t> integer(const GeneralNode& node, std::size_t at, const char* key) {
  const GeneralArgument* argument = given(node, at, key);
  const auto* c = argument ? std::get_if<Constant>(&argument->is) : nullptr;
  const auto* i = c && c->text.empty() ? std::get_if<std::int64_t>(&c->values[0].is) : nullptr;
  return i ? std::optional(*i) : std::nullopt;
}

// Whether `d` is the dimension `from_end` (-1 the last) of `rank`.
bool is_dim(std::optional<std::int64_t> d, std::int64_t from_end, std::size_t rank) {
  return d && (*d == from_end || *d == static_cast<std::int64_t>(rank) + from_end);
}

// What the last two dimensions of are swapped, if the node does that.
const TensorRef* transposed(const GeneralNode* node, std::size_t rank) {
  if (!node || node->op != "aten.transpose.int") return nullptr;
  const auto a = integer(*node, 1, "dim0"), b = integer(*node, 2, "dim1");
  const bool swaps = (is_dim(a, -1, rank) && is_dim(b, -2, rank)) || (is_dim(a, -2, rank) && is_dim(b, -1, rank));
  return swaps ? tensor_at(*node, 0) : nullptr;
}

// The literal that the node multiplies its first operand with.
std::optional<double> factor(const GeneralNode& node) {
  if ((node.base() != "mul" && node.base() != "div") || node.args.size() != 2 || !node.kwargs.empty())
    return std::nullopt;
  const auto* c = std::get_if<Constant>(&node.args[1].is);
  if (!c || !c->text.empty()) return std::nullopt;
  double value = 0;
  if (const auto* d = std::get_if<double>(&c->values[0].is)) {
    value = *d;
  } else if (const auto* i = std::get_if<std::int64_t>(&c->values[0].is)) {
    value = static_cast<double>(*i);
  }
  if (value == 0) return std::nullopt;
  return node.base() == "mul" ? value : 1 / value;
}

}  // namespace

bool attention(GeneralGraph& graph, std::size_t at) {
  const GeneralNode last = graph.nodes[at];
  if (!is_product(last) || last.results[0].dtype != Dtype::f32) return false;
  const std::size_t rank = last.results[0].rank();
  if (rank != 3 && rank != 4) return false;
  std::set<std::string> dead;
  const auto take = [&](const GeneralNode* node) {
    dead.insert(node->name);
    return node;
  };
  const GeneralNode* node = only_for(graph, last, 0);
  if (!node || node->op != "aten.softmax.int" || !is_dim(integer(*node, 1, "dim"), -1, rank)) return false;
  if (given(*node, 2, "dtype") || take(node)->results[0].dtype != Dtype::f32) return false;
  double scale = 1;
  node = only_for(graph, *node, 0);
  while (node && factor(*node)) {
    scale *= *factor(*node);
    node = only_for(graph, *take(node), 0);
  }
  if (!node || !is_product(*node)) return false;
  const GeneralNode& scores = *take(node);
  const GeneralNode* turned = only_for(graph, scores, 1);
  const TensorRef *key = transposed(turned, rank), *value = tensor_at(last, 1), *query = tensor_at(scores, 0);
  if (!key || !value || !query) return false;
  take(turned);
  if (const GeneralNode* scaled = only_for(graph, scores, 0); scaled && factor(*scaled) && tensor_at(*scaled, 0)) {
    scale *= *factor(*scaled);
    query = tensor_at(*take(scaled), 0);
  }
  const GeneralTensor *q = graph.tensor(*query), *k = graph.tensor(*key), *v = graph.tensor(*value);
  for (const GeneralTensor* each : {q, k, v})
    if (!each || each->dtype != Dtype::f32 || each->rank() != rank) return false;
  for (std::size_t w = 0; w < q->shape.size(); ++w) {
    const auto &a = q->shape[w], &b = k->shape[w], &c = v->shape[w];
    if (b != c || a.back() != b.back() || !std::equal(a.begin(), a.end() - 2, b.begin())) return false;
  }
  std::vector<GeneralNode> made;
  const auto with_heads = [&](const TensorRef& ref, const GeneralTensor& tensor, const char* suffix) {
    if (rank == 4) return ref;
    GeneralTensor more = tensor;
    for (std::size_t w = 0; w < more.shape.size(); ++w) {
      more.shape[w].insert(more.shape[w].begin(), 1);
      more.stride[w].insert(more.stride[w].begin(), more.stride[w][0] * tensor.shape[w][0]);
    }
    made.push_back(make_node(last.name + suffix, "aten.unsqueeze.default",
                             {{ref}, constant(graph, Value{std::int64_t{0}})}, std::move(more)));
    return TensorRef{made.back().name, 0};
  };
  const TensorRef of[] = {with_heads(*query, *q, "_query"), with_heads(*key, *k, "_key"),
                          with_heads(*value, *v, "_value")};
  // Its result has the heads of one place side by side.
  GeneralTensor result = last.results[0], without = last.results[0];
  for (std::size_t w = 0; w < result.shape.size(); ++w) {
    auto& shape = result.shape[w];
    if (rank == 3) shape.insert(shape.begin(), 1);
    result.stride[w] = {shape[1] * shape[2] * shape[3], shape[3], shape[1] * shape[3], 1};
    without.stride[w].assign(result.stride[w].end() - static_cast<std::ptrdiff_t>(rank), result.stride[w].end());
  }
  GeneralNode call =
      make_node(rank == 4 ? last.name : last.name + "_heads", "aten.scaled_dot_product_attention.default",
                {{of[0]}, {of[1]}, {of[2]}}, std::move(result));
  call.kwargs.emplace_back("scale", constant(graph, Value{scale}));
  made.push_back(std::move(call));
  if (rank == 3)
    made.push_back(make_node(last.name, "aten.squeeze.dim",
                             {{TensorRef{last.name + "_heads", 0}}, constant(graph, Value{std::int64_t{0}})},
                             std::move(without)));
  replace_node(graph, at, std::move(made));
  std::erase_if(graph.nodes, [&](const GeneralNode& each) { return dead.contains(each.name); });
  return true;
}

}  // namespace kerf
