#include "synthesize/builtin/algebra/positions.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "synthesize/builtin/algebra/building.h"
#include "synthesize/builtin/algebra/contraction.h"
#include "synthesize/builtin/algebra/identities.h"

namespace kerf {
namespace {

using Binary = std::function<double(double, double)>;

bool is_even(const Ramp& ramp) { return ramp.i == 0 && ramp.j == 0; }

// Dimensions that are longer than 1 in some workload, counted from the end.
std::vector<std::size_t> long_dimensions(const GeneralTensor& tensor) {
  std::vector<std::size_t> found;
  for (std::size_t d = 0; d < tensor.rank(); ++d)
    if (std::ranges::any_of(tensor.shape, [d](const auto& shape) { return shape[d] != 1; }))
      found.push_back(tensor.rank() - 1 - d);
  return found;
}

bool same_sizes(const GeneralTensor& a, std::size_t from_end_a, const GeneralTensor& b, std::size_t from_end_b) {
  for (std::size_t w = 0; w < a.shape.size(); ++w)
    if (a.shape[w][a.rank() - 1 - from_end_a] != b.shape[w][b.rank() - 1 - from_end_b]) return false;
  return true;
}

// The same elements in order, under a shape that only has other dimensions of size 1.
std::optional<Pattern> seen_as(const Pattern& p, const GeneralTensor& from, const GeneralTensor& to) {
  const std::vector<std::size_t> before = long_dimensions(from), after = long_dimensions(to);
  if (before.size() != after.size()) return std::nullopt;
  // Where rows and columns go: to rows, to columns, or nowhere.
  std::map<std::size_t, std::size_t> goes;
  for (std::size_t k = 0; k < before.size(); ++k) {
    if (!same_sizes(from, before[k], to, after[k])) return std::nullopt;
    goes[before[k]] = after[k];
  }
  const auto stays = [&](std::size_t d) { return !goes.contains(d) || goes[d] == d; };
  const auto* ramp = std::get_if<Ramp>(&p);
  if (!ramp || (ramp->i != 0 && ramp->j != 0)) return stays(0) && stays(1) ? std::optional(p) : std::nullopt;
  if (is_even(*ramp)) return p;
  const std::size_t along = ramp->j != 0 ? 0 : 1;
  const double step = along == 0 ? ramp->j : ramp->i;
  if (!goes.contains(along)) return everywhere(ramp->at);  // its only position is 0
  if (goes[along] == 0) return Ramp{.i = 0, .j = step, .at = ramp->at};
  if (goes[along] == 1) return Ramp{.i = step, .j = 0, .at = ramp->at};
  return std::nullopt;
}

Pattern turned(const Pattern& p) {
  if (const auto* t = std::get_if<Triangle>(&p))
    return Triangle{.within = t->beyond, .beyond = t->within, .diagonal = -t->diagonal - 1};
  const Ramp& r = std::get<Ramp>(p);
  return Ramp{.i = r.j, .j = r.i, .at = r.at};
}

// (a - b) compared with 0, where it goes with column - row.
std::optional<Pattern> compared(const std::string& how, const Ramp& a, const Ramp& b) {
  const double i = a.i - b.i, j = a.j - b.j, at = a.at - b.at;
  if (std::abs(j) != 1 || i != -j || at != std::floor(at) || std::abs(at) > 1e9) return std::nullopt;
  const auto shift = static_cast<std::int64_t>(at);
  // j (column - row) + shift < 0: with j = 1 from the left up to a diagonal, with j = -1 beyond one.
  if (how == "lt") {
    if (j == 1) return Triangle{.within = 1, .beyond = 0, .diagonal = -shift - 1};
    return Triangle{.within = 0, .beyond = 1, .diagonal = shift};
  }
  if (how == "le") return compared("lt", a, {.i = b.i, .j = b.j, .at = b.at + 1});
  if (how == "gt") return compared("lt", b, a);
  if (how == "ge") return compared("le", b, a);
  return std::nullopt;
}

std::optional<Pattern> linear(const Pattern& a, const Pattern& b, double factor) {
  const auto *x = std::get_if<Ramp>(&a), *y = std::get_if<Ramp>(&b);
  if (x && y) return Ramp{.i = x->i + factor * y->i, .j = x->j + factor * y->j, .at = x->at + factor * y->at};
  return combine(a, b, [factor](double l, double r) { return l + factor * r; });
}

class Reader {
 public:
  explicit Reader(const GeneralGraph& graph) : graph_(graph) {}

  std::optional<Pattern> of(const TensorRef& ref, int depth = 0) const {
    constexpr int deepest = 32;
    const GeneralNode* node = graph_.node(ref.name);
    if (!node || ref.index != 0 || depth > deepest || !node->op.starts_with("aten.")) return std::nullopt;
    const auto operand = [&](std::size_t at) -> std::optional<Pattern> {
      if (at >= node->args.size()) return std::nullopt;
      if (const auto value = literal(node->args[at])) return everywhere(*value);
      const TensorRef* tensor = tensor_at(*node, at);
      return tensor ? of(*tensor, depth + 1) : std::nullopt;
    };
    const std::string base = node->base();
    static const std::map<std::string, double> filled = {{"ones", 1},  {"ones_like", 1},  {"new_ones", 1},
                                                         {"zeros", 0}, {"zeros_like", 0}, {"new_zeros", 0}};
    if (const auto it = filled.find(base); it != filled.end()) return everywhere(it->second);
    if (base == "full" || base == "full_like") return operand(1);
    if (base == "new_full") return operand(2);
    if (base == "scalar_tensor") return operand(0);
    if (base == "arange") return range(*node);
    const auto x = operand(0);
    if (!x) return std::nullopt;
    if (base == "tril" || base == "triu") return cut(*node, *x);
    if (const auto shaped = reshaped(*node, *x)) return *shaped;
    static const std::map<std::string, Binary> comparisons = {
        {"eq", [](double a, double b) { return a == b ? 1.0 : 0.0; }},
        {"ne", [](double a, double b) { return a != b ? 1.0 : 0.0; }},
        {"lt", [](double a, double b) { return a < b ? 1.0 : 0.0; }},
        {"le", [](double a, double b) { return a <= b ? 1.0 : 0.0; }},
        {"gt", [](double a, double b) { return a > b ? 1.0 : 0.0; }},
        {"ge", [](double a, double b) { return a >= b ? 1.0 : 0.0; }}};
    if (base == "logical_not") return combine(*x, everywhere(0), comparisons.at("eq"));
    const bool is_truth = node->results[0].dtype == Dtype::boolean;
    if (base == "bitwise_not" && is_truth) return combine(*x, everywhere(0), comparisons.at("eq"));
    if (base == "to" || base == "_to_copy") return is_truth ? combine(*x, everywhere(0), comparisons.at("ne")) : x;
    if (base == "neg") return linear(everywhere(0), *x, -1);
    const auto y = operand(1);
    if (!y) return std::nullopt;
    if (const auto it = comparisons.find(base); it != comparisons.end()) {
      const auto *a = std::get_if<Ramp>(&*x), *b = std::get_if<Ramp>(&*y);
      if (a && b && !(is_even(*a) && is_even(*b))) return compared(base, *a, *b);
      return combine(*x, *y, it->second);
    }
    const bool is_plain = node->kwargs.empty() && node->args.size() == 2;
    if (base == "add" && is_plain && !is_truth) return linear(*x, *y, 1);
    if (base == "sub" && is_plain) return linear(*x, *y, -1);
    if (base == "rsub" && is_plain) return linear(*y, *x, -1);
    if (base == "mul" && is_plain) return combine(*x, *y, std::multiplies<>());
    const auto z = operand(2);
    if (!z) return std::nullopt;
    if (base == "masked_fill") return chosen(*y, *z, *x);
    if (base == "where") return chosen(*x, *y, *z);
    return std::nullopt;
  }

 private:
  static std::optional<Pattern> chosen(const Pattern& mask, const Pattern& yes, const Pattern& no) {
    // Products would make NaN of infinities.
    const auto if_not = combine(mask, no, [](double m, double n) { return m != 0 ? NAN : n; });
    if (!if_not) return std::nullopt;
    const auto if_so = combine(mask, yes, [](double m, double y) { return m != 0 ? y : NAN; });
    if (!if_so) return std::nullopt;
    return combine(*if_so, *if_not, [](double a, double b) { return std::isnan(a) ? b : a; });
  }

  static std::optional<Pattern> range(const GeneralNode& node) {
    const std::string overload = node.overload();
    if (overload != "default" && overload != "start") return std::nullopt;
    const auto first = overload == "start" ? integer_at(node, 0, "start") : std::optional<std::int64_t>(0);
    if (!first) return std::nullopt;
    return Ramp{.i = 0, .j = 1, .at = static_cast<double>(*first)};
  }

  static std::optional<Pattern> cut(const GeneralNode& node, const Pattern& x) {
    const auto* even = std::get_if<Ramp>(&x);
    const bool is_given = given(node, 1, "diagonal") != nullptr;
    const auto diagonal = integer_at(node, 1, "diagonal");
    if (!even || !is_even(*even) || (is_given && !diagonal)) return std::nullopt;
    if (node.base() == "tril") return Triangle{.within = even->at, .beyond = 0, .diagonal = diagonal.value_or(0)};
    return Triangle{.within = 0, .beyond = even->at, .diagonal = diagonal.value_or(0) - 1};
  }

  // nullopt: no operator that only looks at its operand in another shape.
  std::optional<std::optional<Pattern>> reshaped(const GeneralNode& node, const Pattern& x) const {
    static const std::set<std::string> views = {"view", "reshape", "_unsafe_view", "unsqueeze", "squeeze"};
    static const std::set<std::string> same = {"alias", "detach", "clone", "contiguous", "lift_fresh_copy"};
    const std::string base = node.base();
    const TensorRef* ref = tensor_at(node, 0);
    const GeneralTensor* from = ref ? graph_.tensor(*ref) : nullptr;
    if (!from) return std::nullopt;
    const GeneralTensor& to = node.results[0];
    if (same.contains(base)) return x;
    if (views.contains(base)) return seen_as(x, *from, to);
    if (base == "expand") {
      // Along dimensions that are made longer nothing may change.
      const auto* ramp = std::get_if<Ramp>(&x);
      for (const std::size_t d : {0, 1}) {
        const bool changes = !ramp || (d == 0 ? ramp->j : ramp->i) != 0;
        if (changes && (from->rank() <= d || !same_sizes(*from, d, to, d))) return std::optional<Pattern>();
      }
      return x;
    }
    if (base == "slice") {
      const auto first = integer_at(node, 2, "start"), step = integer_at(node, 4, "step");
      if ((given(node, 2, "start") && first != 0) || (given(node, 4, "step") && step != 1))
        return std::optional<Pattern>();
      return x;
    }
    const auto swapped = permutation(node);
    if (!swapped) return std::nullopt;
    const std::size_t rank = swapped->size();
    for (std::size_t d = 0; d + 2 < rank; ++d)
      if ((*swapped)[d] != d) return std::optional<Pattern>();
    return rank >= 2 && swapped->back() == rank - 2 ? turned(x) : x;
  }

  const GeneralGraph& graph_;
};

}  // namespace

std::optional<Pattern> combine(const Pattern& a, const Pattern& b, const Binary& f) {
  const auto *x = std::get_if<Triangle>(&a), *y = std::get_if<Triangle>(&b);
  const auto *l = std::get_if<Ramp>(&a), *r = std::get_if<Ramp>(&b);
  if ((l && !is_even(*l)) || (r && !is_even(*r))) return std::nullopt;
  if (!x && !y) return everywhere(f(l->at, r->at));
  if (x && y && x->diagonal != y->diagonal) return std::nullopt;
  return Triangle{.within = f(x ? x->within : l->at, y ? y->within : r->at),
                  .beyond = f(x ? x->beyond : l->at, y ? y->beyond : r->at),
                  .diagonal = x ? x->diagonal : y->diagonal};
}

std::optional<Pattern> pattern(const GeneralGraph& graph, const TensorRef& ref) { return Reader(graph).of(ref); }

}  // namespace kerf
