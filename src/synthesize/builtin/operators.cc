#include "synthesize/builtin/operators.h"

#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <numbers>
#include <string>
#include <vector>

namespace kerf {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

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

 private:
  Lowering& l_;
  const GeneralNode& node_;
};

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
  void reduce_with(ReduceOp op, std::size_t dims_at, std::size_t keep_at) const {
    const Lowered v = x();
    const std::vector<int> dims = args.dims(dims_at, "dim", v);
    give(l.remove_dims(l.reduce(op, v, l.axes_of(v, dims)), dims, args.flag(keep_at, "keepdim", false)));
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
    const Lowered finite = where(f(Op::eq, f(Op::abs, top), infinity), l.constant(0), top);
    const Lowered total = l.reduce(ReduceOp::sum, f(Op::exp, f(Op::sub, v, finite)), axes);
    give(l.remove_dims(f(Op::add, f(Op::log, total), finite), dims, args.flag(2, "keepdim", false)));
  }
  void variance(bool root, bool with_mean) const {
    const Lowered v = x();
    const bool legacy = node.overload() == "dim" || node.overload() == "default";
    if (node.overload() == "default") throw CannotLower{"this overload"};
    const std::vector<int> dims = args.dims(1, "dim", v), axes = l.axes_of(v, dims);
    const double correction =
        legacy ? (args.flag(2, "unbiased", true) ? 1 : 0) : args.fixed(99, "correction").value_or(1);
    const Lowered average = l.mean(v, axes);
    const Lowered squares = l.reduce(ReduceOp::sum, f(Op::square, f(Op::sub, v, average)), axes);
    const Lowered n = l.count(axes);
    Lowered result = f(Op::div, squares, correction == 0 ? n : f(Op::sub, n, correction));
    if (root) result = f(Op::sqrt, result);
    const bool keep = args.flag(3, "keepdim", false);
    give(l.remove_dims(result, dims, keep));
    if (with_mean) give(l.remove_dims(average, dims, keep), 1);
  }
  void vector_norm(std::size_t p_at, const char* p_key, std::size_t dims_at, std::size_t keep_at) const {
    const Lowered v = x();
    const std::vector<int> dims = args.dims(dims_at, "dim", v), axes = l.axes_of(v, dims);
    const double p = args.none(p_at, p_key) ? 2 : args.fixed(p_at, p_key).value_or(std::nan(""));
    Lowered result;
    if (p == 2) {
      result = f(Op::sqrt, l.reduce(ReduceOp::sum, f(Op::square, v), axes));
    } else if (p == 1) {
      result = l.reduce(ReduceOp::sum, f(Op::abs, v), axes);
    } else if (p == infinity) {
      result = l.reduce(ReduceOp::max, f(Op::abs, v), axes);
    } else {
      throw CannotLower{"this norm"};
    }
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
  void view_to() const { give(l.reshape(x(), node.results.at(0))); }
  void constant(double value, std::size_t rank) const {
    Lowered c = l.constant(value);
    c.dims.resize(rank);
    give(c);
  }
};

using Apply = std::function<void(const Rule&)>;

const std::map<std::string, Apply>& rules() {
  static const std::map<std::string, Apply> table = [] {
    std::map<std::string, Apply> t;
    for (const auto& [name, op] : std::initializer_list<std::pair<const char*, Op>>{{"neg", Op::neg},
                                                                                    {"abs", Op::abs},
                                                                                    {"exp", Op::exp},
                                                                                    {"log", Op::log},
                                                                                    {"log1p", Op::log1p},
                                                                                    {"expm1", Op::expm1},
                                                                                    {"sqrt", Op::sqrt},
                                                                                    {"rsqrt", Op::rsqrt},
                                                                                    {"reciprocal", Op::reciprocal},
                                                                                    {"sin", Op::sin},
                                                                                    {"cos", Op::cos},
                                                                                    {"tanh", Op::tanh},
                                                                                    {"sigmoid", Op::sigmoid},
                                                                                    {"erf", Op::erf},
                                                                                    {"floor", Op::floor},
                                                                                    {"ceil", Op::ceil},
                                                                                    {"sign", Op::sign},
                                                                                    {"square", Op::square},
                                                                                    {"relu", Op::relu},
                                                                                    {"logical_not", Op::logical_not}})
      t[name] = [op = op](const Rule& r) { r.give(r.f(op, r.x())); };
    for (const auto& [name, op] : std::initializer_list<std::pair<const char*, Op>>{{"mul", Op::mul},
                                                                                    {"multiply", Op::mul},
                                                                                    {"maximum", Op::maximum},
                                                                                    {"minimum", Op::minimum},
                                                                                    {"eq", Op::eq},
                                                                                    {"ne", Op::ne},
                                                                                    {"lt", Op::lt},
                                                                                    {"le", Op::le},
                                                                                    {"gt", Op::gt},
                                                                                    {"ge", Op::ge},
                                                                                    {"logical_and", Op::logical_and},
                                                                                    {"logical_or", Op::logical_or}})
      t[name] = [op = op](const Rule& r) { r.give(r.f(op, r.args.operand(0), r.args.operand(1))); };
    t["div"] = [](const Rule& r) {
      if (!r.args.none(99, "rounding_mode")) throw CannotLower{"a rounded division"};
      r.give(r.f(Op::div, r.args.operand(0), r.args.operand(1)));
    };
    t["add"] = [](const Rule& r) { r.add_scaled(Op::add, r.args.operand(0), r.args.operand(1)); };
    t["sub"] = [](const Rule& r) { r.add_scaled(Op::sub, r.args.operand(0), r.args.operand(1)); };
    t["rsub"] = [](const Rule& r) { r.add_scaled(Op::sub, r.args.operand(1), r.args.operand(0)); };
    t["pow"] = [](const Rule& r) {
      if (r.node.overload() == "Scalar") return r.give(r.f(Op::pow, r.args.operand(0), r.args.operand(1)));
      r.power(r.x(), 1);
    };
    t["clamp"] = [](const Rule& r) {
      Lowered low, high;
      const bool has_low = !r.args.none(1, "min"), has_high = !r.args.none(2, "max");
      if (has_low) low = r.args.operand(1, "min");
      if (has_high) high = r.args.operand(2, "max");
      r.give(r.clamp(r.x(), has_low ? &low : nullptr, has_high ? &high : nullptr));
    };
    t["clamp_min"] = [](const Rule& r) { r.give(r.f(Op::maximum, r.x(), r.args.operand(1, "min"))); };
    t["clamp_max"] = [](const Rule& r) { r.give(r.f(Op::minimum, r.x(), r.args.operand(1, "max"))); };
    t["hardtanh"] = [](const Rule& r) {
      const Lowered low = r.args.number(1, "min_val", -1), high = r.args.number(2, "max_val", 1);
      r.give(r.clamp(r.x(), &low, &high));
    };
    t["relu6"] = [](const Rule& r) {
      const Lowered low = r.l.constant(0), high = r.l.constant(6);
      r.give(r.clamp(r.x(), &low, &high));
    };
    t["leaky_relu"] = [](const Rule& r) {
      const Lowered v = r.x();
      r.give(r.where(r.f(Op::gt, v, 0), v, r.f(Op::mul, v, r.args.number(1, "negative_slope", 0.01))));
    };
    t["elu"] = [](const Rule& r) {
      const Lowered v = r.x(), scale = r.args.number(2, "scale", 1);
      const Lowered negative = r.f(Op::mul, r.f(Op::expm1, r.f(Op::mul, v, r.args.number(3, "input_scale", 1))),
                                   r.args.number(1, "alpha", 1));
      r.give(r.f(Op::mul, r.where(r.f(Op::gt, v, 0), v, negative), scale));
    };
    t["celu"] = [](const Rule& r) {
      const Lowered v = r.x(), alpha = r.args.number(1, "alpha", 1);
      r.give(r.where(r.f(Op::gt, v, 0), v, r.f(Op::mul, r.f(Op::expm1, r.f(Op::div, v, alpha)), alpha)));
    };
    t["selu"] = [](const Rule& r) {
      const Lowered v = r.x();
      constexpr double alpha = 1.6732632423543772848170429916717, scale = 1.0507009873554804934193349852946;
      r.give(r.f(Op::mul, r.where(r.f(Op::gt, v, 0), v, r.f(Op::mul, r.f(Op::expm1, v), alpha)), scale));
    };
    t["gelu"] = [](const Rule& r) { r.gelu(); };
    t["silu"] = [](const Rule& r) { r.give(r.f(Op::mul, r.x(), r.f(Op::sigmoid, r.x()))); };
    t["mish"] = [](const Rule& r) {
      // tanh(log(1 + e)) = n / (n + 2) with n = e (e + 2), e = exp(x); it is 1 from 20 on.
      const Lowered v = r.x(), e = r.f(Op::exp, r.f(Op::minimum, v, 20)), n = r.f(Op::mul, e, r.f(Op::add, e, 2));
      r.give(r.f(Op::mul, v, r.f(Op::div, n, r.f(Op::add, n, 2))));
    };
    t["softplus"] = [](const Rule& r) {
      const Lowered v = r.x(), beta = r.args.number(1, "beta", 1), threshold = r.args.number(2, "threshold", 20);
      const Lowered scaled = r.f(Op::mul, v, beta);
      r.give(r.where(r.f(Op::gt, scaled, threshold), v, r.f(Op::div, r.f(Op::softplus, scaled), beta)));
    };
    t["log_sigmoid"] = [](const Rule& r) { r.give(r.f(Op::neg, r.f(Op::softplus, r.f(Op::neg, r.x())))); };
    t["hardsigmoid"] = t["hardswish"] = [](const Rule& r) {
      const Lowered low = r.l.constant(0), high = r.l.constant(6), v = r.x();
      const Lowered gate = r.f(Op::div, r.clamp(r.f(Op::add, v, 3), &low, &high), 6);
      r.give(r.node.base() == "hardswish" ? r.f(Op::mul, v, gate) : gate);
    };
    t["where"] = [](const Rule& r) { r.give(r.where(r.args.tensor(0), r.args.operand(1), r.args.operand(2))); };
    // Reductions
    t["sum"] = [](const Rule& r) { r.reduce_with(ReduceOp::sum, 1, 2); };
    t["mean"] = [](const Rule& r) { r.mean_with(1, 2); };
    t["amax"] = [](const Rule& r) { r.reduce_with(ReduceOp::max, 1, 2); };
    t["amin"] = [](const Rule& r) { r.reduce_with(ReduceOp::min, 1, 2); };
    t["prod"] = [](const Rule& r) { r.reduce_with(ReduceOp::prod, 1, 2); };
    t["max"] = t["min"] = [](const Rule& r) {
      const bool max = r.node.base() == "max";
      if (r.node.overload() == "other")
        return r.give(r.f(max ? Op::maximum : Op::minimum, r.args.operand(0), r.args.operand(1)));
      r.reduce_with(max ? ReduceOp::max : ReduceOp::min, 1, 2);
    };
    t["logsumexp"] = [](const Rule& r) { r.logsumexp(); };
    t["linalg_vector_norm"] = [](const Rule& r) { r.vector_norm(1, "ord", 2, 3); };
    t["norm"] = [](const Rule& r) {
      r.node.overload() == "Scalar" ? r.vector_norm(1, "p", 98, 99) : r.vector_norm(1, "p", 2, 3);
    };
    t["var"] = [](const Rule& r) { r.variance(false, false); };
    t["std"] = [](const Rule& r) { r.variance(true, false); };
    t["var_mean"] = [](const Rule& r) { r.variance(false, true); };
    t["softmax"] = t["_softmax"] = [](const Rule& r) { r.softmax(false); };
    t["log_softmax"] = t["_log_softmax"] = [](const Rule& r) { r.softmax(true); };
    t["layer_norm"] = t["native_layer_norm"] = [](const Rule& r) { r.layer_norm(); };
    t["group_norm"] = [](const Rule& r) { r.group_norm(1, 2, 4); };
    t["native_group_norm"] = [](const Rule& r) {  // input, weight, bias, N, C, HxW, group, eps
      r.group_norm(6, 1, 7);
    };
    t["batch_norm"] = t["_native_batch_norm_legit_functional"] = [](const Rule& r) {
      r.batch_norm(r.args.flag(5, "training", false), 7);
    };
    t["_native_batch_norm_legit"] = [](const Rule& r) {
      if (r.node.overload() != "no_stats") return r.batch_norm(r.args.flag(5, "training", false), 7);
      r.batch_norm(r.args.flag(3, "training", false), 5);
    };
    t["_native_batch_norm_legit_no_training"] = [](const Rule& r) { r.batch_norm(false, 6); };
    t["instance_norm"] = [](const Rule& r) {
      if (!r.args.flag(5, "use_input_stats", true)) throw CannotLower{"running statistics"};
      const Lowered v = r.x();
      r.give(r.affine(r.standardise(v, r.l.axes_of(v, r.dims_from(v, 2)), r.args.number(7, "eps", 1e-5)), 1, 2, 1));
    };
    t["mse_loss"] = [](const Rule& r) { r.loss(r.f(Op::square, r.f(Op::sub, r.x(), r.args.tensor(1))), 2); };
    t["l1_loss"] = [](const Rule& r) { r.loss(r.f(Op::abs, r.f(Op::sub, r.x(), r.args.tensor(1))), 2); };
    t["smooth_l1_loss"] = [](const Rule& r) {
      const Lowered d = r.f(Op::abs, r.f(Op::sub, r.x(), r.args.tensor(1))), beta = r.args.number(3, "beta", 1);
      r.loss(r.where(r.f(Op::lt, d, beta), r.f(Op::div, r.f(Op::mul, r.f(Op::square, d), 0.5), beta),
                     r.f(Op::sub, d, r.f(Op::mul, beta, 0.5))),
             2);
    };
    t["huber_loss"] = [](const Rule& r) {
      const Lowered d = r.f(Op::abs, r.f(Op::sub, r.x(), r.args.tensor(1))), delta = r.args.number(3, "delta", 1);
      r.loss(r.where(r.f(Op::le, d, delta), r.f(Op::mul, r.f(Op::square, d), 0.5),
                     r.f(Op::mul, delta, r.f(Op::sub, d, r.f(Op::mul, delta, 0.5)))),
             2);
    };
    t["gather"] = [](const Rule& r) { r.give(r.l.pick(r.x(), r.args.dim(1, "dim"), r.args.tensor(2, "index"))); };
    // Shapes
    for (const char* name : {"view", "reshape", "_unsafe_view", "flatten", "unflatten", "unsqueeze", "squeeze"})
      t[name] = [](const Rule& r) { r.view_to(); };
    for (const char* name : {"alias", "detach", "clone", "contiguous", "lift_fresh_copy", "lift_fresh"})
      t[name] = [](const Rule& r) { r.give(r.x()); };
    t["permute"] = [](const Rule& r) {
      const Lowered v = r.x();
      Lowered made{.value = v.value, .dims = {}};
      for (int d : r.args.dims(1, "dims", v))
        made.dims.push_back(v.dims.at(static_cast<std::size_t>(d < 0 ? d + static_cast<int>(v.dims.size()) : d)));
      r.give(made);
    };
    t["t"] = t["numpy_T"] = [](const Rule& r) {
      Lowered v = r.x();
      std::reverse(v.dims.begin(), v.dims.end());
      r.give(v);
    };
    t["transpose"] = [](const Rule& r) {
      Lowered v = r.x();
      const int n = static_cast<int>(v.dims.size()), a = r.args.dim(1, "dim0"), b = r.args.dim(2, "dim1");
      std::swap(v.dims.at(static_cast<std::size_t>(a < 0 ? a + n : a)),
                v.dims.at(static_cast<std::size_t>(b < 0 ? b + n : b)));
      r.give(v);
    };
    t["dropout"] = [](const Rule& r) {
      if (r.args.flag(2, "train", true) && r.args.fixed(1, "p") != 0) throw CannotLower{"dropout"};
      r.give(r.x());
    };
    t["broadcast_tensors"] = [](const Rule& r) {
      const auto* list = r.node.args.empty() ? nullptr : std::get_if<GeneralArgumentList>(&r.node.args[0].is);
      if (!list) throw CannotLower{"broadcast_tensors"};
      for (std::size_t i = 0; i < list->size(); ++i) {
        const auto* ref = std::get_if<TensorRef>(&(*list)[i].is);
        const GeneralTensor& to = r.node.results.at(i);
        const Lowered v = ref ? r.l.value(*ref) : Lowered{};
        if (!ref || v.dims.size() != to.rank()) throw CannotLower{"broadcast_tensors"};
        for (std::size_t d = 0; d < to.rank(); ++d)
          for (std::size_t w = 0; w < to.shape.size(); ++w)
            if (v.dims[d].empty() && to.shape[w][d] != 1) throw CannotLower{"a broadcast that is materialised"};
        r.give(v, static_cast<int>(i));
      }
    };
    t["_to_copy"] = t["to"] = [](const Rule& r) {
      const GeneralTensor& to = r.node.results.at(0);
      const Lowered v = r.x();
      if (to.dtype != Dtype::f32) throw CannotLower{"a cast to anything but f32"};
      r.give(r.l.type(v) == Type::f32 ? v : r.f(Op::to_float, v));
    };
    t["scalar_tensor"] = [](const Rule& r) {
      const Lowered v = r.args.operand(0);
      r.give(v);
    };
    return t;
  }();
  return table;
}

}  // namespace

bool has_lowering(const GeneralNode& node) { return node.op.starts_with("aten.") && rules().contains(node.base()); }

void lower_node(Lowering& lowering, const GeneralNode& node) {
  const auto it = rules().find(node.base());
  if (!node.op.starts_with("aten.") || it == rules().end()) throw CannotLower{node.op + " is left to the library"};
  lowering.name_node(node.name);
  it->second(Rule{lowering, node, Arguments(lowering, node)});
}

}  // namespace kerf
