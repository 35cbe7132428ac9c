// What operators mean as instructions of a region, where it takes more than one; and their arguments. For operators.cc.
#pragma once

#include <cmath>
#include <limits>
#include <numbers>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "synthesize/builtin/lowering.h"

namespace kerf {

// Reads a node's arguments by position or keyword.
class Arguments {
 public:
  Arguments(Lowering& lowering, const GeneralNode& node) : l_(lowering), node_(node) {}

  [[nodiscard]] const GeneralArgument* get(std::size_t at, const char* key) const {
    if (at < node_.args.size()) return &node_.args[at];
    for (const auto& [name, argument] : node_.kwargs)
      if (name == key) return &argument;
    return nullptr;
  }
  [[nodiscard]] bool none(std::size_t at, const char* key) const {
    const GeneralArgument* a = get(at, key);
    if (!a) return true;
    const auto* c = std::get_if<Constant>(&a->is);
    return c && std::holds_alternative<std::monostate>(c->values[0].is);
  }
  [[nodiscard]] Lowered tensor(std::size_t at, const char* key = "") const {
    const GeneralArgument* a = get(at, key);
    const auto* ref = a ? std::get_if<TensorRef>(&a->is) : nullptr;
    if (!ref) throw CannotLower{"a tensor was expected"};
    return l_.value(*ref);
  }
  // A tensor, a number or an expression.
  [[nodiscard]] Lowered operand(std::size_t at, const char* key = "") const {
    const GeneralArgument* a = get(at, key);
    if (!a) throw CannotLower{"an argument is missing"};
    if (std::holds_alternative<TensorRef>(a->is)) return tensor(at, key);
    return l_.number(*a);
  }
  [[nodiscard]] Lowered number(std::size_t at, const char* key, double otherwise) const {
    return none(at, key) ? l_.constant(otherwise) : l_.number(*get(at, key));
  }
  // A number that is the same in every workload.
  [[nodiscard]] std::optional<double> fixed(std::size_t at, const char* key) const {
    const GeneralArgument* a = get(at, key);
    const auto* c = a ? std::get_if<Constant>(&a->is) : nullptr;
    if (!c || !c->text.empty()) return std::nullopt;
    if (const auto* i = std::get_if<std::int64_t>(&c->values[0].is)) return static_cast<double>(*i);
    if (const auto* d = std::get_if<double>(&c->values[0].is)) return *d;
    if (const auto* b = std::get_if<bool>(&c->values[0].is)) return *b ? 1 : 0;
    return std::nullopt;
  }
  [[nodiscard]] int dim(std::size_t at, const char* key) const {
    const auto d = fixed(at, key);
    if (!d) throw CannotLower{"a dimension that differs between workloads"};
    return static_cast<int>(*d);
  }
  [[nodiscard]] bool flag(std::size_t at, const char* key, bool otherwise) const {
    if (none(at, key)) return otherwise;
    const auto f = fixed(at, key);
    if (!f) throw CannotLower{"a flag that differs between workloads"};
    return *f != 0;
  }
  // A dimension, a list of them, or none and [] for all.
  [[nodiscard]] std::vector<int> dims(std::size_t at, const char* key, const Lowered& of) const {
    if (none(at, key)) return l_.all_dims(of);
    const GeneralArgument* a = get(at, key);
    if (const auto* list = std::get_if<GeneralArgumentList>(&a->is)) {
      std::vector<int> found;
      for (const GeneralArgument& each : *list) {
        const auto* c = std::get_if<Constant>(&each.is);
        const auto* i = c && c->text.empty() ? std::get_if<std::int64_t>(&c->values[0].is) : nullptr;
        if (!i) throw CannotLower{"a dimension that differs between workloads"};
        found.push_back(static_cast<int>(*i));
      }
      return found.empty() ? l_.all_dims(of) : found;
    }
    return {dim(at, key)};
  }
  // An integer, or one for each of `count` dimensions; none where there is no such argument, or an empty list.
  [[nodiscard]] std::vector<Extent> extents(std::size_t at, const char* key, std::size_t count) const {
    if (none(at, key)) return {};
    const GeneralArgument& argument = *get(at, key);
    std::vector<const GeneralArgument*> items;
    if (const auto* list = std::get_if<GeneralArgumentList>(&argument.is)) {
      for (const GeneralArgument& each : *list) items.push_back(&each);
    } else {
      items.push_back(&argument);
    }
    std::vector<Extent> found;
    for (const GeneralArgument* item : items) {
      const auto* constant = std::get_if<Constant>(&item->is);
      if (!constant) throw CannotLower{"the sizes of windows must be numbers"};
      Extent extent{.text = expression_of(*constant), .values = {}};
      for (const Value& value : constant->values) {
        const auto* n = std::get_if<std::int64_t>(&value.is);
        if (!n) throw CannotLower{"the sizes of windows must be integers"};
        extent.values.push_back(*n);
      }
      found.push_back(std::move(extent));
    }
    if (found.size() == 1) found.resize(count, found[0]);
    if (!found.empty() && found.size() != count) throw CannotLower{"windows of other dimensions"};
    return found;
  }

 private:
  Lowering& l_;
  const GeneralNode& node_;
};

// One node, its arguments and the formulas that rules share.
struct Rule {
  Lowering& l;
  const GeneralNode& node;
  Arguments args;

  Lowered f(Op op, const Lowered& a) const { return l.apply(op, {a}); }
  Lowered f(Op op, const Lowered& a, const Lowered& b) const { return l.apply(op, {a, b}); }
  Lowered f(Op op, const Lowered& a, double b) const { return l.apply(op, {a, l.constant(b)}); }
  Lowered f(Op op, double a, const Lowered& b) const { return l.apply(op, {l.constant(a), b}); }
  Lowered where(const Lowered& c, const Lowered& a, const Lowered& b) const { return l.apply(Op::where, {c, a, b}); }
  Lowered x() const { return args.tensor(0, "self"); }
  void give(Lowered v, int index = 0) const { l.bind({node.name, index}, std::move(v)); }

  Lowered clamp(Lowered v, const Lowered* low, const Lowered* high) const {
    if (low) v = f(Op::maximum, v, *low);
    if (high) v = f(Op::minimum, v, *high);
    return v;
  }
  // (v - mean) / sqrt(variance + eps) over the axes.
  Lowered standardise(const Lowered& v, const std::vector<int>& axes, const Lowered& eps) const {
    const Lowered centred = f(Op::sub, v, l.mean(v, axes));
    const Lowered variance = l.mean(f(Op::square, centred), axes);
    return f(Op::mul, centred, f(Op::rsqrt, f(Op::add, variance, eps)));
  }
  // A vector along dimension `dim` of a tensor of `rank` dimensions.
  static Lowered along(Lowered vector, std::size_t dim, std::size_t rank) {
    Lowered made{.value = vector.value, .dims = std::vector<std::vector<int>>(rank)};
    made.dims[dim] = vector.dims.at(0);
    return made;
  }
  Lowered affine(Lowered v, std::size_t weight, std::size_t bias, std::size_t dim) const {
    if (!args.none(weight, "weight")) v = f(Op::mul, v, along(args.tensor(weight, "weight"), dim, v.dims.size()));
    if (!args.none(bias, "bias")) v = f(Op::add, v, along(args.tensor(bias, "bias"), dim, v.dims.size()));
    return v;
  }
  std::vector<int> dims_from(const Lowered& v, std::size_t first) const {
    std::vector<int> dims;
    for (std::size_t d = first; d < v.dims.size(); ++d) dims.push_back(static_cast<int>(d));
    return dims;
  }
  // That floats tell numbers of elements apart.
  void expect_exact(const Lowered& v, const std::vector<int>& dims) const {
    for (std::size_t w = 0; w < l.workloads(); ++w) {
      std::int64_t count = 1;
      for (const int axis : l.axes_of(v, dims)) count *= l.extent(axis).values[w];
      if (count >> 24 != 0) throw CannotLower{"integers that floats do not tell apart"};
    }
  }
  void reduce_with(ReduceOp op, std::size_t dims_at, std::size_t keep_at, int result = 0) const {
    reduce_with(op, x(), dims_at, keep_at, result);
  }
  void reduce_with(ReduceOp op, const Lowered& v, std::size_t dims_at, std::size_t keep_at, int result = 0) const {
    if (op == ReduceOp::sum && node.results.at(0).dtype == Dtype::i64 && l.type(v) != Type::mask)
      throw CannotLower{"integers are reduced by the library"};
    const std::vector<int> dims = args.dims(dims_at, "dim", v);
    if (op == ReduceOp::sum && node.results.at(0).dtype == Dtype::i64) expect_exact(v, dims);
    give(l.remove_dims(l.reduce(op, v, l.axes_of(v, dims)), dims, args.flag(keep_at, "keepdim", false)), result);
  }
  void mean_with(std::size_t dims_at, std::size_t keep_at) const {
    const Lowered v = x();
    const std::vector<int> dims = args.dims(dims_at, "dim", v);
    give(l.remove_dims(l.mean(v, l.axes_of(v, dims)), dims, args.flag(keep_at, "keepdim", false)));
  }
  // exp(v - max) and its sum: the parts of softmax.
  void softmax(bool log) const {
    const Lowered v = x();
    const std::vector<int> axes = l.axes_of(v, {args.dim(1, "dim")});
    const Lowered shifted = f(Op::sub, v, l.reduce(ReduceOp::max, v, axes));
    const Lowered e = f(Op::exp, shifted);
    const Lowered total = l.reduce(ReduceOp::sum, e, axes);
    give(log ? f(Op::sub, shifted, f(Op::log, total)) : f(Op::mul, e, f(Op::reciprocal, total)));
  }
  void logsumexp() const {
    const Lowered v = x();
    const std::vector<int> dims = args.dims(1, "dim", v), axes = l.axes_of(v, dims);
    const Lowered top = l.reduce(ReduceOp::max, v, axes);
    const Lowered finite =
        where(f(Op::eq, f(Op::abs, top), std::numeric_limits<double>::infinity()), l.constant(0), top);
    const Lowered total = l.reduce(ReduceOp::sum, f(Op::exp, f(Op::sub, v, finite)), axes);
    give(l.remove_dims(f(Op::add, f(Op::log, total), finite), dims, args.flag(2, "keepdim", false)));
  }
  void variance(bool root, bool with_mean) const {
    const Lowered v = x();
    const bool all = node.overload() == "default";
    const bool legacy = node.overload() == "dim" || all;
    const std::vector<int> dims = all ? l.all_dims(v) : args.dims(1, "dim", v), axes = l.axes_of(v, dims);
    const double correction =
        legacy ? (args.flag(all ? 1 : 2, "unbiased", true) ? 1 : 0) : args.fixed(99, "correction").value_or(1);
    const Lowered average = l.mean(v, axes);
    const Lowered squares = l.reduce(ReduceOp::sum, f(Op::square, f(Op::sub, v, average)), axes);
    const Lowered n = l.count(axes);
    Lowered result = f(Op::div, squares, correction == 0 ? n : f(Op::sub, n, correction));
    if (root) result = f(Op::sqrt, result);
    const bool keep = args.flag(3, "keepdim", false);
    give(l.remove_dims(result, dims, keep));
    if (with_mean) give(l.remove_dims(average, dims, keep), 1);
  }
  // (sum |v|^p)^(1/p) over the axes, and its limits.
  Lowered norm(const Lowered& v, const std::vector<int>& axes, double p) const {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    if (std::isnan(p)) throw CannotLower{"this norm"};
    if (p == 2) return f(Op::sqrt, l.reduce(ReduceOp::sum, f(Op::square, v), axes));
    if (p == 0) return l.reduce(ReduceOp::sum, f(Op::to_float, f(Op::ne, v, 0)), axes);
    const Lowered magnitude = f(Op::abs, v);
    if (p == 1) return l.reduce(ReduceOp::sum, magnitude, axes);
    if (p == infinity) return l.reduce(ReduceOp::max, magnitude, axes);
    if (p == -infinity) return l.reduce(ReduceOp::min, magnitude, axes);
    return f(Op::pow, l.reduce(ReduceOp::sum, f(Op::pow, magnitude, p), axes), 1 / p);
  }
  void vector_norm(std::size_t p_at, const char* p_key, std::size_t dims_at, std::size_t keep_at) const {
    const Lowered v = x();
    const std::vector<int> dims = args.dims(dims_at, "dim", v), axes = l.axes_of(v, dims);
    const double p = args.none(p_at, p_key) ? 2 : args.fixed(p_at, p_key).value_or(std::nan(""));
    const Lowered result = norm(v, axes, p);
    give(l.remove_dims(result, dims, args.flag(keep_at, "keepdim", false)));
  }
  void layer_norm() const {
    const Lowered v = x();
    const GeneralArgument* shape = args.get(1, "normalized_shape");
    const auto* list = shape ? std::get_if<GeneralArgumentList>(&shape->is) : nullptr;
    if (!list) throw CannotLower{"this layer norm"};
    Lowered result =
        standardise(v, l.axes_of(v, dims_from(v, v.dims.size() - list->size())), args.number(4, "eps", 1e-5));
    if (!args.none(2, "weight")) result = f(Op::mul, result, args.tensor(2));
    if (!args.none(3, "bias")) result = f(Op::add, result, args.tensor(3));
    give(result);
  }
  void rms_norm() const {
    const Lowered v = x();
    const GeneralArgument* shape = args.get(1, "normalized_shape");
    const auto* list = shape ? std::get_if<GeneralArgumentList>(&shape->is) : nullptr;
    if (!list || list->size() > v.dims.size()) throw CannotLower{"this rms norm"};
    const Lowered squares = l.mean(f(Op::square, v), l.axes_of(v, dims_from(v, v.dims.size() - list->size())));
    const Lowered eps = args.number(3, "eps", std::numeric_limits<float>::epsilon());
    Lowered result = f(Op::mul, v, f(Op::rsqrt, f(Op::add, squares, eps)));
    if (!args.none(2, "weight")) result = f(Op::mul, result, args.tensor(2, "weight"));
    give(result);
  }
  void group_norm(std::size_t groups_at, std::size_t weight, std::size_t eps_at) const {
    Lowered v = x();
    const GeneralArgument* groups = args.get(groups_at, "num_groups");
    const auto* constant = groups ? std::get_if<Constant>(&groups->is) : nullptr;
    if (!constant || v.dims.size() < 2 || v.dims[1].size() != 1) throw CannotLower{"this group norm"};
    const Extent& channels = l.extent(v.dims[1][0]);
    Extent outer{.text = expression_of(*constant), .values = {}}, inner{.text = "", .values = {}};
    for (std::size_t w = 0; w < l.workloads(); ++w) {
      const auto* g = std::get_if<std::int64_t>(&constant->values[w].is);
      if (!g || *g <= 0) throw CannotLower{"this group norm"};
      outer.values.push_back(*g);
      inner.values.push_back(channels.values[w] / *g);
    }
    inner.text = channels.text + " // " + outer.text;
    std::vector<int> axes = l.axes_of(v, dims_from(v, 2));
    if (outer.is(1)) {
      axes.push_back(v.dims[1][0]);
    } else if (!inner.is(1)) {
      const auto [g, c] = l.split_axis(v.dims[1][0], outer, inner);
      v.dims[1] = {g, c};
      axes.push_back(c);
    }
    give(affine(standardise(v, axes, args.number(eps_at, "eps", 1e-5)), weight, weight + 1, 1));
  }
  // Statistics of the batch, or the running ones.
  void batch_norm(bool training, std::size_t eps_at) const {
    const Lowered v = x();
    if (v.dims.size() < 2) throw CannotLower{"this batch norm"};
    const Lowered eps = args.number(eps_at, "eps", 1e-5);
    Lowered result;
    if (training) {
      std::vector<int> dims = dims_from(v, 2);
      dims.insert(dims.begin(), 0);
      result = standardise(v, l.axes_of(v, dims), eps);
    } else {
      const Lowered mean = along(args.tensor(3), 1, v.dims.size()), var = along(args.tensor(4), 1, v.dims.size());
      result = f(Op::mul, f(Op::sub, v, mean), f(Op::rsqrt, f(Op::add, var, eps)));
    }
    give(affine(result, 1, 2, 1));
  }
  void loss(const Lowered& elements, std::size_t reduction_at) const {
    const int reduction = args.none(reduction_at, "reduction") ? 1 : args.dim(reduction_at, "reduction");
    const std::vector<int> dims = l.all_dims(elements), axes = l.axes_of(elements, dims);
    if (reduction == 0) return give(elements);
    give(l.remove_dims(reduction == 1 ? l.mean(elements, axes) : l.reduce(ReduceOp::sum, elements, axes), dims, false));
  }
  void gelu() const {
    const Lowered v = x();
    bool tanh_form = false;
    if (!args.none(1, "approximate")) {
      const auto* c = std::get_if<Constant>(&args.get(1, "approximate")->is);
      const auto* text = c ? std::get_if<std::string>(&c->values[0].is) : nullptr;
      if (!text) throw CannotLower{"this gelu"};
      tanh_form = *text == "tanh";
    }
    Lowered inner;
    if (tanh_form) {
      const Lowered cube = f(Op::mul, f(Op::mul, v, v), v);
      inner = f(Op::tanh, f(Op::mul, f(Op::add, v, f(Op::mul, cube, 0.044715)), std::sqrt(2 / std::numbers::pi)));
    } else {
      inner = f(Op::erf, f(Op::mul, v, 1 / std::numbers::sqrt2));
    }
    give(f(Op::mul, f(Op::mul, v, 0.5), f(Op::add, inner, 1)));
  }
  void power(const Lowered& base, std::size_t at) const {
    const auto e = args.fixed(at, "exponent");
    if (e == 1) return give(base);
    if (e == 2) return give(f(Op::square, base));
    if (e == 3) return give(f(Op::mul, f(Op::square, base), base));
    if (e == 0.5) return give(f(Op::sqrt, base));
    if (e == -0.5) return give(f(Op::rsqrt, base));
    if (e == -1) return give(f(Op::reciprocal, base));
    give(f(Op::pow, base, args.operand(at, "exponent")));
  }
  void add_scaled(Op op, const Lowered& a, Lowered b) const {
    if (!args.none(2, "alpha") && args.fixed(2, "alpha") != 1) b = f(Op::mul, b, args.operand(2, "alpha"));
    give(f(op, a, b));
  }
  // The sizes of a view, as expressions; empty where they follow from the others or are not given.
  std::vector<std::string> sizes_of_view() const {
    const GeneralTensor& to = node.results.at(0);
    std::vector<std::string> found(to.rank());
    if (node.base() == "view_as") {
      const GeneralArgument* other = args.get(1, "other");
      const auto* ref = other ? std::get_if<TensorRef>(&other->is) : nullptr;
      for (std::size_t d = 0; ref && d < found.size(); ++d)
        found[d] = placeholder(*ref) + ".shape[" + std::to_string(d) + "]";
      return found;
    }
    const bool unflatten = node.base() == "unflatten";
    const GeneralArgument* given = unflatten ? args.get(2, "sizes") : args.get(1, "size");
    const auto* list = given ? std::get_if<GeneralArgumentList>(&given->is) : nullptr;
    if (!list) return found;
    std::size_t first = 0;
    if (unflatten) {
      const int d = args.dim(1, "dim"), rank = static_cast<int>(to.rank() - list->size()) + 1;
      first = static_cast<std::size_t>(d < 0 ? d + rank : d);
    }
    for (std::size_t k = 0; k < list->size() && first + k < found.size(); ++k) {
      const auto* constant = std::get_if<Constant>(&(*list)[k].is);
      if (!constant) continue;
      bool same = true;
      for (std::size_t w = 0; w < to.shape.size(); ++w) {
        const auto* n = std::get_if<std::int64_t>(&constant->values[w].is);
        same = same && n && *n == to.shape[w][first + k];
      }
      if (same) found[first + k] = expression_of(*constant);
    }
    return found;
  }
  void view_to() const { give(l.reshape(x(), node.results.at(0), sizes_of_view())); }
  void constant(double value, std::size_t rank) const {
    Lowered c = l.constant(value);
    c.dims.resize(rank);
    give(c);
  }
};

}  // namespace kerf
