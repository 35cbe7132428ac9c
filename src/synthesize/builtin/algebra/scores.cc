#include "synthesize/builtin/algebra/scores.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <set>
#include <utility>

#include "synthesize/builtin/algebra/building.h"
#include "synthesize/builtin/algebra/identities.h"

namespace kerf {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

double as_number(const Value& value) {
  if (const auto* i = std::get_if<std::int64_t>(&value.is)) return static_cast<double>(*i);
  const auto* d = std::get_if<double>(&value.is);
  return d ? *d : std::nan("");
}

// Whether a literal that is infinite is among what the tensor is computed from.
bool comes_of_infinity(const GeneralGraph& graph, const TensorRef& ref, std::set<std::string>& seen) {
  const GeneralNode* node = graph.node(ref.name);
  if (!node || !seen.insert(ref.name).second) return false;
  const auto is_infinite = [](const GeneralArgument& argument) {
    const auto value = literal(argument);
    return value && std::isinf(*value);
  };
  return std::ranges::any_of(node->args, is_infinite) ||
         std::ranges::any_of(references(*node),
                             [&](const TensorRef& each) { return comes_of_infinity(graph, each, seen); });
}

class Taker {
 public:
  Taker(const GeneralGraph& graph, std::string name) : graph_(graph), name_(std::move(name)) {}

  std::optional<Scores> of(const TensorRef& ref, int depth = 0) const {
    constexpr int deepest = 16;
    const GeneralNode* node = graph_.node(ref.name);
    if (!node || depth > deepest || uses(graph_, ref.name) != 1 || node->results.size() != 1) return std::nullopt;
    if (node->results[0].dtype != Dtype::f32 || !node->op.starts_with("aten.")) return std::nullopt;
    std::optional<Scores> found = taken_apart(*node, depth);
    return found && found->shape == node->results[0].shape ? std::move(found) : std::nullopt;
  }

 private:
  std::optional<Scores> taken_apart(const GeneralNode& node, int depth) const {
    static const std::set<std::string> same = {"alias", "detach", "clone", "contiguous", "to", "_to_copy"};
    const std::string base = node.base();
    const auto operand = [&](std::size_t at) -> std::optional<Scores> {
      const TensorRef* tensor = tensor_at(node, at);
      return tensor ? of(*tensor, depth + 1) : std::nullopt;
    };
    if (const auto product = contraction(graph_, node)) return of_product(node, *product);
    if (same.contains(base)) return operand(0);
    if (base == "mul" || base == "div") return scaled(node, operand);
    if ((base == "add" || base == "sub") && node.args.size() == 2 && node.kwargs.empty()) {
      std::optional<Scores> left = operand(0);
      if (left) return add(*std::move(left), node.args[1], base == "add" ? 1 : -1);
      if (base == "sub") return std::nullopt;
      std::optional<Scores> right = operand(1);
      return right ? add(*std::move(right), node.args[0], 1) : std::nullopt;
    }
    if (base == "masked_fill" && node.args.size() == 3) return hide(operand(0), node.args[1], node.args[2], true);
    if (base == "where" && node.args.size() == 3) {
      if (literal(node.args[1])) return hide(operand(2), node.args[0], node.args[1], true);
      return hide(operand(1), node.args[0], node.args[2], false);
    }
    return std::nullopt;
  }

  std::optional<Scores> of_product(const GeneralNode& node, const Contraction& product) const {
    Scores made;
    made.product = product;
    made.shape = node.results[0].shape;
    const std::size_t workloads = graph_.workloads.size();
    made.scale = {.values = std::vector<Value>(workloads, Value{1.0}), .text = ""};
    if (node.base() != "baddbmm") return made;
    if (const GeneralArgument* alpha = given(node, 4, "alpha")) {
      const auto* c = std::get_if<Constant>(&alpha->is);
      if (!c) return std::nullopt;
      made.scale = times(made.scale, *c, false);
    }
    const GeneralArgument* beta = given(node, 3, "beta");
    const auto factor = beta ? literal(*beta) : 1;
    if (!factor) return std::nullopt;
    return *factor == 0 ? std::optional(made) : add(std::move(made), node.args[0], *factor);
  }

  template <class Operand>
  std::optional<Scores> scaled(const GeneralNode& node, const Operand& operand) const {
    if (const auto number = number_behind(node)) {
      std::optional<Scores> found = operand(0);
      if (!found) return std::nullopt;
      found->scale = times(found->scale, number->first, number->second);
      if (!found->bias) return found;
      // What was added is scaled, too; what was masked out stays so.
      const auto value = literal({number->first});
      const double by = !value ? 0 : number->second ? 1 / *value : *value;
      if (by <= 0 || !std::isfinite(by)) return std::nullopt;
      scale_bias(*found, by);
      return found;
    }
    if (node.args.size() != 2 || !node.kwargs.empty()) return std::nullopt;
    const bool divides = node.base() == "div";
    for (const std::size_t at : {0, 1}) {
      if (divides && at == 1) break;
      const TensorRef* other = tensor_at(node, 1 - at);
      const GeneralTensor* tensor = other ? graph_.tensor(*other) : nullptr;
      if (!tensor || tensor->dtype != Dtype::f32 || !one_a_matrix(*tensor)) continue;
      std::optional<Scores> found = operand(at);
      if (!found || found->bias || found->factor) continue;
      found->factor = *other;
      found->divides = divides;
      return found;
    }
    return std::nullopt;
  }

  static bool one_a_matrix(const GeneralTensor& tensor) {
    return std::ranges::all_of(tensor.shape, [](const std::vector<std::int64_t>& shape) {
      for (std::size_t d = 0; d < shape.size(); ++d)
        if (d + 2 >= shape.size() && shape[d] != 1) return false;
      return true;
    });
  }

  TensorRef make(Scores& s, const std::string& op, std::vector<GeneralArgument> args, GeneralTensor result) const {
    s.made.push_back(make_node(fmt::format("{}_bias{}", name_, s.made.size()), op, std::move(args), std::move(result)));
    return {s.made.back().name, 0};
  }

  void scale_bias(Scores& s, double by) const {
    s.bias_tensor = contiguous(s.bias_tensor.shape);
    s.bias = make(s, "aten.mul.Tensor", {{*s.bias}, constant(graph_, Value{by})}, s.bias_tensor);
    if (s.positions) s.positions = combine(*s.positions, everywhere(by), std::multiplies<>());
  }

  // The result of an operator on both, as broadcasting has it.
  static GeneralTensor broadcast(const GeneralTensor& a, const GeneralTensor& b) {
    std::vector<std::vector<std::int64_t>> shapes;
    for (std::size_t w = 0; w < a.shape.size(); ++w) {
      const auto &x = a.shape[w], &y = b.shape[w];
      std::vector<std::int64_t> made(std::max(x.size(), y.size()), 1);
      for (const auto* shape : {&x, &y})
        for (std::size_t d = 0; d < shape->size(); ++d) {
          std::int64_t& into = made[made.size() - shape->size() + d];
          into = std::max(into, (*shape)[d]);
        }
      shapes.push_back(std::move(made));
    }
    return contiguous(std::move(shapes));
  }

  std::optional<Scores> add(Scores s, const GeneralArgument& what, double by) const {
    const auto* ref = std::get_if<TensorRef>(&what.is);
    const GeneralTensor* tensor = ref ? graph_.tensor(*ref) : nullptr;
    // Rows that were filled weigh alike only as long as nothing is added to them.
    if (!tensor || tensor->dtype != Dtype::f32 || s.fills) return std::nullopt;
    const bool is_first = !s.bias;
    std::set<std::string> seen;
    s.hides = s.hides || comes_of_infinity(graph_, *ref, seen);
    const auto where = pattern(graph_, *ref);
    if (s.positions && where) {
      s.positions = combine(*s.positions, *where, [by](double a, double b) { return a + by * b; });
    } else {
      s.positions.reset();
    }
    TensorRef term = *ref;
    GeneralTensor shaped = *tensor;
    if (by != 1) {
      shaped = contiguous(tensor->shape);
      term = make(s, "aten.mul.Tensor", {{term}, constant(graph_, Value{by})}, shaped);
    }
    if (!is_first) {
      shaped = broadcast(s.bias_tensor, shaped);
      term = make(s, "aten.add.Tensor", {{*s.bias}, {term}}, shaped);
    }
    s.bias = term;
    s.bias_tensor = std::move(shaped);
    return s;
  }

  // Places where the mask is `of` get the value.
  std::optional<Scores> hide(std::optional<Scores> s, const GeneralArgument& mask, const GeneralArgument& value,
                             bool of) const {
    const auto* ref = std::get_if<TensorRef>(&mask.is);
    const GeneralTensor* tensor = ref ? graph_.tensor(*ref) : nullptr;
    const auto filled = literal(value);
    if (!s || !tensor || tensor->dtype != Dtype::boolean || !filled || *filled > out_of_sight) return std::nullopt;
    const bool fills = std::isfinite(*filled);
    if (s->bias && (fills ? s->hides : s->fills)) return std::nullopt;  // rows of both have no common rule
    s->fills = s->fills || fills;
    s->hides = s->hides || !fills;
    const auto where = pattern(graph_, *ref);
    if (s->positions && where) {
      s->positions =
          combine(*s->positions, *where, [of](double b, double m) { return (m != 0) == of ? -infinity : b; });
    } else {
      s->positions.reset();
    }
    const GeneralArgument lost = constant(graph_, Value{-infinity});
    std::vector<GeneralArgument> args = {
        {*ref}, lost, s->bias ? GeneralArgument{*s->bias} : constant(graph_, Value{0.0})};
    if (!of) std::swap(args[1], args[2]);
    const char* op = !s->bias ? "aten.where.Scalar" : of ? "aten.where.ScalarSelf" : "aten.where.ScalarOther";
    GeneralTensor shaped = s->bias ? broadcast(*tensor, s->bias_tensor) : contiguous(tensor->shape);
    s->bias = make(*s, op, std::move(args), shaped);
    s->bias_tensor = std::move(shaped);
    return s;
  }

  const GeneralGraph& graph_;
  std::string name_;
};

}  // namespace

Constant times(const Constant& a, const Constant& b, bool divide) {
  Constant made;
  for (std::size_t w = 0; w < a.values.size(); ++w) {
    const double x = as_number(a.values[w]), y = as_number(b.values[w]);
    made.values.push_back(Value{divide ? x / y : x * y});
  }
  const bool is_one = a.text.empty() && as_number(a.values[0]) == 1 && !divide;
  if (is_one) {
    made.text = b.text;
  } else if (!a.text.empty() || !b.text.empty()) {
    made.text = fmt::format("({}) {} ({})", expression_of(a), divide ? "/" : "*", expression_of(b));
  }
  return made;
}

std::optional<std::pair<Constant, bool>> number_behind(const GeneralNode& node) {
  if ((node.base() != "mul" && node.base() != "div") || node.args.size() != 2 || !node.kwargs.empty())
    return std::nullopt;
  const auto* c = std::get_if<Constant>(&node.args[1].is);
  if (!c || !tensor_at(node, 0)) return std::nullopt;
  for (const Value& value : c->values)
    if (const double v = as_number(value); v == 0 || !std::isfinite(v)) return std::nullopt;
  return std::pair(*c, node.base() == "div");
}

std::optional<Scores> scores(const GeneralGraph& graph, const TensorRef& ref, const std::string& name) {
  return Taker(graph, name).of(ref);
}

}  // namespace kerf
