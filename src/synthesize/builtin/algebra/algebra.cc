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

  // Rewrites the node if it is the sum or the mean over the outputs of a linear layer or a product with a matrix, with
  // vectors added to these outputs or subtracted from them, and numbers that they are multiplied with or divided by:
  // R((x W' + b - s) c) = (x R(W)' + R(b - s)) c, with R over the outputs.
  bool run(std::size_t at) {
    const GeneralNode reduction = graph_.nodes[at];
    if (reduction.op != "aten.sum.dim_IntList" && reduction.op != "aten.mean.dim") return false;
    const GeneralNode* node = producer(reduction, 0);
    if (!node || !over_last(reduction, node->results.at(0).rank())) return false;
    std::vector<Step> steps(1);  // from the reduction back to the product
    std::vector<std::string> dead = {node->name};
    while (!is_product(*node)) {
      const bool sub = node->op == "aten.sub.Tensor";
      const bool scales = node->op == "aten.mul.Tensor" || node->op == "aten.div.Tensor";
      if ((!sub && !scales && node->op != "aten.add.Tensor") || node->args.size() != 2 || !node->kwargs.empty())
        return false;
      const GeneralNode* next = producer(*node, 0);
      if (scales) {
        if (!next || next->results[0].shape != node->results[0].shape ||
            !std::holds_alternative<Constant>(node->args[1].is))
          return false;
        steps.back().scaled = *node;
        steps.emplace_back();
      } else {
        const TensorRef* vector = tensor_at(*node, 1);
        if (!sub && (!next || !vector || !along_last(*vector, node->results[0]))) {
          next = producer(*node, 1);
          vector = tensor_at(*node, 0);
        }
        if (!next || !vector || !along_last(*vector, node->results[0])) return false;
        steps.back().vectors.emplace_back(*vector, sub);
      }
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
    if (const TensorRef* bias = tensor_at(*node, 2)) steps.back().vectors.emplace_back(*bias, false);
    write(reduction, *x, *input, *weight, *matrix, node->base() == "linear" ? 0 : 1, std::move(steps));
    std::erase_if(graph_.nodes,
                  [&](const GeneralNode& each) { return std::ranges::find(dead, each.name) != dead.end(); });
    insert_before(reduction.name);
    return true;
  }

 private:
  // Vectors that are added, or subtracted (true), and the number that the sum is multiplied with or divided by then.
  struct Step {
    std::vector<std::pair<TensorRef, bool>> vectors = {};
    std::optional<GeneralNode> scaled = {};
  };

  static bool is_product(const GeneralNode& node) {
    return node.op == "aten.linear.default" || node.op == "aten.matmul.default" || node.op == "aten.mm.default";
  }

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

  // Gives the new nodes, of which the last has the reduction's name. `outputs`: the weight's dimension that is reduced.
  // `steps` are in the order from the reduction back.
  void write(const GeneralNode& reduction, const TensorRef& x, const GeneralTensor& input, const TensorRef& weight,
             const GeneralTensor& matrix, std::int64_t outputs, std::vector<Step> steps) {
    const std::string& name = reduction.name;
    std::vector<std::vector<std::int64_t>> row;
    for (const auto& shape : matrix.shape) row.push_back({shape.at(outputs == 0 ? 1 : 0)});
    const TensorRef reduced = add(name + "_weight", reduction.op, {{weight}, list(outputs)}, contiguous(row));
    const TensorRef product = add(name + "_product", "aten.mul.Tensor", {{x}, {reduced}}, contiguous(input.shape));
    std::vector<GeneralArgument> sum = {{product}, list(-1)};
    if (reduction.args.size() == 3) sum.push_back(reduction.args[2]);
    TensorRef made = add(name + "_dot", "aten.sum.dim_IntList", std::move(sum), reduction.results[0]);
    for (std::size_t k = steps.size(); k-- > 0;) {
      const std::string step = name + (k + 1 == steps.size() ? "" : "_" + std::to_string(k));
      if (steps[k].scaled)  // it comes behind the vectors of the step before it
        made = add(step + "_scaled", steps[k].scaled->op, {{made}, steps[k].scaled->args[1]}, reduction.results[0]);
      if (steps[k].vectors.empty()) continue;
      const TensorRef bias = reduced_sum(step, reduction, std::move(steps[k].vectors));
      made = add(step + "_shifted", "aten.add.Tensor", {{made}, {bias}}, reduction.results[0]);
    }
    made_.back().name = name;
  }

  // R of the sum of vectors.
  TensorRef reduced_sum(const std::string& name, const GeneralNode& reduction,
                        std::vector<std::pair<TensorRef, bool>> vectors) {
    // Added ones first, so that there is something to subtract from.
    std::ranges::stable_partition(vectors, [](const auto& each) { return !each.second; });
    const std::vector<std::vector<std::int64_t>> one(graph_.workloads.size(), {1});
    const GeneralTensor vector = *graph_.tensor(vectors[0].first);
    TensorRef total = vectors[0].first;
    if (vectors[0].second) total = add(name + "_negative", "aten.neg.default", {{total}}, contiguous(vector.shape));
    for (std::size_t i = 1; i < vectors.size(); ++i)
      total = add(name + "_bias" + std::to_string(i), vectors[i].second ? "aten.sub.Tensor" : "aten.add.Tensor",
                  {{total}, {vectors[i].first}}, contiguous(vector.shape));
    return add(name + "_bias", reduction.op, {{total}, list(0), constant(Value{true})}, contiguous(one));
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
