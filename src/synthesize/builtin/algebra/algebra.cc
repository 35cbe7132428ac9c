#include "synthesize/builtin/algebra/algebra.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "synthesize/builtin/algebra/attention.h"
#include "synthesize/builtin/algebra/folded.h"
#include "synthesize/builtin/algebra/identities.h"
#include "synthesize/builtin/algebra/layouts.h"
#include "synthesize/builtin/algebra/pooled.h"
#include "synthesize/builtin/algebra/row_losses.h"
#include "synthesize/builtin/algebra/shifted_scan.h"

namespace kerf {
namespace {

// An argument that is the same integer (or flag) in every workload.
std::optional<std::int64_t> fixed(const GeneralArgument& argument) {
  const auto* constant = std::get_if<Constant>(&argument.is);
  if (!constant || !constant->text.empty() || constant->values.empty()) return std::nullopt;
  if (const auto* i = std::get_if<std::int64_t>(&constant->values[0].is)) return *i;
  if (const auto* b = std::get_if<bool>(&constant->values[0].is)) return *b ? 1 : 0;
  return std::nullopt;
}

class ReducedLinear {
 public:
  explicit ReducedLinear(GeneralGraph& graph) : graph_(graph) {}

  // Rewrites the node if it is the sum or the mean over the outputs of a linear layer, with vectors added to these
  // outputs or subtracted from them: R(x W' + b - s) = x R(W)' + R(b - s), with R over the outputs.
  bool run(std::size_t at) {
    const GeneralNode reduction = graph_.nodes[at];
    if (reduction.op != "aten.sum.dim_IntList" && reduction.op != "aten.mean.dim") return false;
    const GeneralNode* node = producer(reduction, 0);
    if (!node || !over_last(reduction, node->results.at(0).rank())) return false;
    std::vector<std::pair<TensorRef, bool>> vectors;  // and whether it is subtracted
    std::vector<std::string> dead = {node->name};
    while (node->op != "aten.linear.default") {
      const bool sub = node->op == "aten.sub.Tensor";
      if ((!sub && node->op != "aten.add.Tensor") || node->args.size() != 2 || !node->kwargs.empty()) return false;
      const GeneralNode* next = producer(*node, 0);
      const TensorRef* vector = tensor_at(*node, 1);
      if (!sub && (!next || !vector || !along_last(*vector, node->results[0]))) {
        next = producer(*node, 1);
        vector = tensor_at(*node, 0);
      }
      if (!next || !vector || !along_last(*vector, node->results[0])) return false;
      vectors.emplace_back(*vector, sub);
      node = next;
      dead.push_back(node->name);
    }
    const TensorRef* x = tensor_at(*node, 0);
    const TensorRef* weight = tensor_at(*node, 1);
    const GeneralTensor* input = x ? graph_.tensor(*x) : nullptr;
    const GeneralTensor* matrix = weight ? graph_.tensor(*weight) : nullptr;
    if (!input || !matrix || input->dtype != Dtype::f32 || matrix->dtype != Dtype::f32 || input->rank() < 2 ||
        matrix->rank() != 2 || !node->kwargs.empty())
      return false;
    if (const TensorRef* bias = tensor_at(*node, 2)) vectors.emplace_back(*bias, false);
    write(reduction, *x, *input, *weight, *matrix, std::move(vectors));
    std::erase_if(graph_.nodes,
                  [&](const GeneralNode& each) { return std::ranges::find(dead, each.name) != dead.end(); });
    insert_before(reduction.name);
    return true;
  }

 private:
  // The node that gives the argument, if nothing else uses it.
  [[nodiscard]] const GeneralNode* producer(const GeneralNode& user, std::size_t at) const {
    const TensorRef* ref = tensor_at(user, at);
    const GeneralNode* node = ref ? graph_.node(ref->name) : nullptr;
    if (!node || node->results.size() != 1) return nullptr;
    return uses(graph_, ref->name) == 1 ? node : nullptr;
  }

  [[nodiscard]] static bool over_last(const GeneralNode& reduction, std::size_t rank) {
    if (!reduction.kwargs.empty() || reduction.args.size() < 2 || reduction.args.size() > 3 || rank < 2) return false;
    const auto* list = std::get_if<GeneralArgumentList>(&reduction.args[1].is);
    const auto dim = list && list->size() == 1 ? fixed(list->front()) : std::nullopt;
    if (!dim || (*dim != -1 && *dim != static_cast<std::int64_t>(rank) - 1)) return false;
    return reduction.args.size() == 2 || fixed(reduction.args[2]).has_value();
  }

  // A vector with an element for each output, in every workload.
  [[nodiscard]] bool along_last(const TensorRef& ref, const GeneralTensor& outputs) const {
    const GeneralTensor* vector = graph_.tensor(ref);
    if (!vector || vector->rank() != 1 || vector->dtype != Dtype::f32) return false;
    for (std::size_t w = 0; w < outputs.shape.size(); ++w)
      if (vector->shape[w][0] != outputs.shape[w].back()) return false;
    return true;
  }

  [[nodiscard]] GeneralArgument constant(const Value& value) const {
    return {Constant{.values = std::vector<Value>(graph_.workloads.size(), value), .text = ""}};
  }
  [[nodiscard]] GeneralArgument list(std::int64_t value) const { return {GeneralArgumentList{constant(Value{value})}}; }

  static GeneralTensor contiguous(std::vector<std::vector<std::int64_t>> shape) {
    GeneralTensor made{.dtype = Dtype::f32, .shape = std::move(shape), .stride = {}};
    for (const auto& each : made.shape) made.stride.push_back(contiguous_strides(each));
    return made;
  }

  TensorRef add(const std::string& name, const std::string& op, std::vector<GeneralArgument> args,
                GeneralTensor result) {
    made_.push_back({.name = name, .op = op, .inplace = "", .args = std::move(args), .kwargs = {}, .results = {}});
    made_.back().results.push_back(std::move(result));
    return {name, 0};
  }

  // Gives the new nodes, of which the last has the reduction's name.
  void write(const GeneralNode& reduction, const TensorRef& x, const GeneralTensor& input, const TensorRef& weight,
             const GeneralTensor& matrix, std::vector<std::pair<TensorRef, bool>> vectors) {
    const std::string& name = reduction.name;
    std::vector<std::vector<std::int64_t>> row, one(graph_.workloads.size(), {1});
    for (const auto& shape : matrix.shape) row.push_back({shape[1]});
    const TensorRef reduced = add(name + "_weight", reduction.op, {{weight}, list(0)}, contiguous(row));
    const TensorRef product = add(name + "_product", "aten.mul.Tensor", {{x}, {reduced}}, contiguous(input.shape));
    std::vector<GeneralArgument> sum = {{product}, list(-1)};
    if (reduction.args.size() == 3) sum.push_back(reduction.args[2]);
    const bool alone = vectors.empty();
    const TensorRef dot =
        add(alone ? name : name + "_dot", "aten.sum.dim_IntList", std::move(sum), reduction.results[0]);
    if (alone) return;
    // Added ones first, so that there is something to subtract from.
    std::ranges::stable_partition(vectors, [](const auto& each) { return !each.second; });
    const GeneralTensor vector = *graph_.tensor(vectors[0].first);
    TensorRef total = vectors[0].first;
    if (vectors[0].second) total = add(name + "_negative", "aten.neg.default", {{total}}, contiguous(vector.shape));
    for (std::size_t i = 1; i < vectors.size(); ++i)
      total = add(name + "_bias" + std::to_string(i), vectors[i].second ? "aten.sub.Tensor" : "aten.add.Tensor",
                  {{total}, {vectors[i].first}}, contiguous(vector.shape));
    const TensorRef bias =
        add(name + "_bias", reduction.op, {{total}, list(0), constant(Value{true})}, contiguous(one));
    add(name, "aten.add.Tensor", {{dot}, {bias}}, reduction.results[0]);
  }

  void insert_before(const std::string& name) {
    const auto at = graph_.nodes.begin() + static_cast<std::ptrdiff_t>(*graph_.position(name));
    const auto next = graph_.nodes.erase(at);
    graph_.nodes.insert(next, std::make_move_iterator(made_.begin()), std::make_move_iterator(made_.end()));
    made_.clear();
  }

  GeneralGraph& graph_;
  std::vector<GeneralNode> made_;
};

}  // namespace

GeneralGraph simplify(GeneralGraph graph) {
  share_equal_nodes(graph);
  for (std::size_t at = 0; at < graph.nodes.size(); ++at)
    if (ReducedLinear(graph).run(at) || log_of_softmax(graph, at) || diagonal_product(graph, at) ||
        row_losses(graph, at) || folded_norm(graph, at) || attention(graph, at) || pooled_convolution(graph, at) ||
        separate_pooling(graph, at) || shifted_scan(graph, at))
      at = 0;
  drop_unused_nodes(graph);
  return in_order_of_memory(std::move(graph));
}

}  // namespace kerf
