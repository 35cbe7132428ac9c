#include "synthesize/builtin/products.h"

#include <algorithm>
#include <bit>
#include <map>
#include <numeric>
#include <set>
#include <utility>
#include <vector>

namespace kerf {
namespace {

using Form = Instruction::Form;

const Instruction& at(const Region& region, int v) { return region.code[static_cast<std::size_t>(v)]; }

// Factors of a sum of products that each have axes of their own.
std::optional<ProductShape> factors(const Region& region, int sum) {
  const Instruction& reduce = at(region, sum);
  if (reduce.form != Form::reduce || reduce.reduce != ReduceOp::sum) return std::nullopt;
  const Instruction& term = at(region, reduce.operands[0]);
  if (term.form != Form::pointwise || term.op != Op::mul) return std::nullopt;
  ProductShape p{.sum = sum, .left = term.operands[0], .right = term.operands[1], .inner = region.reduced};
  const std::uint64_t left = at(region, p.left).axes, right = at(region, p.right).axes;
  p.rows = left & ~right & ~p.inner;
  p.columns = right & ~left & ~p.inner;
  p.batch = left & right & ~p.inner;
  if ((left & right & p.inner) != p.inner || p.rows == 0 || p.columns == 0) return std::nullopt;
  if ((p.rows >> (region.axes.size() - 1) & 1U) != 0) {
    std::swap(p.left, p.right);
    std::swap(p.rows, p.columns);
  }
  return p;
}

// A matrix along dimensions that are named by letters.
struct Labelled {
  Lowered value;
  std::string letters;  // one a dimension
};

// The sum over letters that `result` does not have.
Lowered contract(const Rule& r, const Labelled& a, Labelled b, const std::string& result) {
  std::string inner;
  for (const char c : a.letters)
    if (result.find(c) == std::string::npos) inner += c;
  for (const std::string& letters : {a.letters, b.letters, result})
    for (std::size_t i = 0; i < letters.size(); ++i)
      if (letters.find(letters[i], i + 1) != std::string::npos) throw CannotLower{"a diagonal in a product"};
  for (const char c : result)
    if (a.letters.find(c) == std::string::npos && b.letters.find(c) == std::string::npos)
      throw CannotLower{"a product along what no factor has"};
  for (const char c : inner)
    if (b.letters.find(c) == std::string::npos) throw CannotLower{"a sum over one factor of a product"};
  for (const char c : b.letters)
    if (result.find(c) == std::string::npos && a.letters.find(c) == std::string::npos)
      throw CannotLower{"a sum over one factor of a product"};
  const auto summed_of = [&](const Labelled& factor) {
    std::vector<int> dims;
    for (std::size_t d = 0; d < factor.letters.size(); ++d)
      if (inner.find(factor.letters[d]) != std::string::npos) dims.push_back(static_cast<int>(d));
    return r.l.axes_of(factor.value, dims);
  };
  if ((!r.l.may_be_repeated(a.value) && !r.l.follows_reduction(a.value, summed_of(a))) || !r.l.may_be_repeated(b.value))
    throw CannotLower{"a product of what costs much to compute"};
  // Axes that stand for one thing here and for another there: x x'.
  for (std::size_t i = 0; i < b.letters.size(); ++i)
    for (const int axis : r.l.axes_of(b.value, {static_cast<int>(i)}))
      for (std::size_t k = 0; k < a.letters.size(); ++k) {
        const std::vector<int> others = r.l.axes_of(a.value, {static_cast<int>(k)});
        if (a.letters[k] == b.letters[i] || std::ranges::find(others, axis) == others.end()) continue;
        b.value = r.l.apart(b.value);
        return contract(r, a, std::move(b), result);
      }
  const std::string all = result + inner;
  const auto spread = [&](const Labelled& factor) {
    Lowered made{.value = factor.value.value, .dims = std::vector<std::vector<int>>(all.size())};
    for (std::size_t d = 0; d < factor.letters.size(); ++d)
      made.dims[all.find(factor.letters[d])] = factor.value.dims.at(d);
    return made;
  };
  const Lowered terms = r.f(Op::mul, spread(a), spread(b));
  std::vector<int> summed(inner.size());
  std::iota(summed.begin(), summed.end(), static_cast<int>(result.size()));
  return r.l.remove_dims(r.l.reduce(ReduceOp::sum, terms, r.l.axes_of(terms, summed)), summed, false);
}

Lowered transposed(Lowered v) {
  if (v.dims.size() != 2) throw CannotLower{"a weight that is no matrix"};
  std::swap(v.dims[0], v.dims[1]);
  return v;
}

}  // namespace

// Vectors as matmul takes them.
Lowered product_of(const Rule& r, const Lowered& a, const Lowered& b) {
  const std::size_t m = a.dims.size(), n = b.dims.size();
  if (m == 0 || n == 0) throw CannotLower{"a product of numbers"};
  const std::string batch = "abcdefgh", left = m == 1 ? "K" : "MK", right = n == 1 ? "K" : "KN";
  const std::size_t most = std::max(m, n), lead = most < 2 ? 0 : most - 2;
  if (lead > batch.size()) throw CannotLower{"a product of many dimensions"};
  const std::string leading = batch.substr(0, lead);
  const auto labels = [&](std::size_t rank, const std::string& matrix) {
    return leading.substr(lead - (rank - matrix.size())) + matrix;
  };
  return contract(r, {a, labels(m, left)}, {b, labels(n, right)}, leading + (m == 1 ? "" : "M") + (n == 1 ? "" : "N"));
}

std::optional<ProductShape> product_shape(const Region& region) {
  if (region.waves != 1 || region.axes.empty()) return std::nullopt;
  const std::vector<int> reductions = region.reductions(1);
  return reductions.size() == 1 ? factors(region, reductions[0]) : std::nullopt;
}

bool windows_over_channels(const Region& region, const ProductShape& shape) {
  constexpr std::int64_t many = 16;
  const auto last = static_cast<std::size_t>(std::bit_width(shape.inner)) - 1;
  return has_windows(region) && region.axes[last].extent.values[0] >= many;
}

std::vector<ResultMask> result_masks(const Region& region, const ProductShape& shape) {
  // Whether anything that `v` is computed from passes the test.
  const auto depends = [&](int v, const auto& test) {
    std::vector<int> open = {v};
    std::set<int> seen;
    while (!open.empty()) {
      const int each = open.back();
      open.pop_back();
      if (!seen.insert(each).second) continue;
      if (test(each)) return true;
      open.insert(open.end(), at(region, each).operands.begin(), at(region, each).operands.end());
    }
    return false;
  };
  const auto on_sum = [&](int v) { return depends(v, [&](int each) { return each == shape.sum; }); };
  const auto on_memory = [&](int v) {
    return depends(
        v, [&](int each) { return at(region, each).form == Form::load || at(region, each).form == Form::reduce; });
  };
  std::vector<ResultMask> found;
  for (const RegionStore& store : region.stores) {
    const Instruction& i = at(region, store.value);
    if (i.form != Form::pointwise || i.op != Op::where || on_memory(i.operands[0])) return {};
    const bool first = on_sum(i.operands[1]), second = on_sum(i.operands[2]);
    if (first == second) return {};
    found.push_back({.mask = i.operands[0], .wanted = first});
  }
  return found;
}

std::string ill_shaped_product(const Region& region) {
  bool any = false;
  for (std::size_t v = 0; v < region.code.size(); ++v) any = any || factors(region, static_cast<int>(v)).has_value();
  if (!any) return "";
  const auto shape = product_shape(region);
  if (!shape) return "a product beside another reduction";
  const std::uint64_t kept = shape->batch | shape->rows | shape->columns;
  for (const RegionStore& store : region.stores) {
    std::uint64_t axes = 0;
    for (const Subscript& s : store.access.subscripts) axes |= std::uint64_t{1} << s.axis;
    if (axes != kept) return "a product, and results of another shape";
  }
  return "";
}

Region in_order_of_left(Region region) {
  const auto shape = product_shape(region);
  if (!shape) return region;
  const Instruction& left = at(region, shape->left);
  if (left.form != Form::load) return region;
  std::vector<int> order;
  for (int a = 0; a < static_cast<int>(region.axes.size()); ++a) order.push_back(a);
  std::vector<int> inner;
  std::ranges::copy_if(order, std::back_inserter(inner), [&](int a) { return region.is_reduced(a); });
  std::vector<int> sorted = inner;
  std::ranges::stable_sort(sorted, std::ranges::greater{}, [&](int a) {
    const Subscript* along = left.access.along(a);
    return along == nullptr ? 0 : along->stride.values[0];
  });
  if (sorted == inner) return region;
  for (std::size_t k = 0; k < inner.size(); ++k) order[static_cast<std::size_t>(inner[k])] = sorted[k];
  // order[to] = from
  std::vector<int> to(order.size());
  std::vector<Axis> axes;
  for (std::size_t k = 0; k < order.size(); ++k) {
    to[static_cast<std::size_t>(order[k])] = static_cast<int>(k);
    Axis axis = region.axes[static_cast<std::size_t>(order[k])];
    axis.name = region.axes[k].name;
    axes.push_back(std::move(axis));
  }
  const auto moved = [&](std::uint64_t mask) {
    std::uint64_t made = 0;
    for (std::size_t a = 0; a < to.size(); ++a)
      if (mask >> a & 1U) made |= std::uint64_t{1} << to[a];
    return made;
  };
  const auto move_access = [&](Access& access) {
    for (Subscript& s : access.subscripts) s.axis = to[static_cast<std::size_t>(s.axis)];
    for (Window& window : access.windows)
      for (Window::Term& term : window.terms) term.axis = to[static_cast<std::size_t>(term.axis)];
  };
  region.axes = std::move(axes);
  region.reduced = moved(region.reduced);
  for (Instruction& i : region.code) {
    i.axes = moved(i.axes);
    move_access(i.access);
  }
  for (RegionStore& store : region.stores) move_access(store.access);
  return region;
}

void matrix_product(const Rule& r) { r.give(product_of(r, r.x(), r.args.tensor(1))); }

void linear(const Rule& r) {
  Lowered made = product_of(r, r.x(), transposed(r.args.tensor(1, "weight")));
  if (!r.args.none(2, "bias")) made = r.f(Op::add, made, r.args.tensor(2, "bias"));
  r.give(made);
}

void product_and_sum(const Rule& r) {
  Lowered made = product_of(r, r.args.tensor(1), r.args.tensor(2)), more = r.x();
  if (!r.args.none(4, "alpha") && r.args.fixed(4, "alpha") != 1)
    made = r.f(Op::mul, made, r.args.number(4, "alpha", 1));
  // With beta 0 what is there does not count, whatever it is.
  if (r.args.none(3, "beta") || r.args.fixed(3, "beta") == 1) return r.give(r.f(Op::add, made, more));
  if (!r.args.fixed(3, "beta")) throw CannotLower{"a factor that differs between workloads"};
  if (r.args.fixed(3, "beta") == 0) return r.give(made);
  r.give(r.f(Op::add, made, r.f(Op::mul, more, r.args.number(3, "beta", 1))));
}

void einsum(const Rule& r) {
  const GeneralArgument *equation = r.args.get(0, "equation"), *tensors = r.args.get(1, "operands");
  const auto* constant = equation ? std::get_if<Constant>(&equation->is) : nullptr;
  const auto* text = constant ? std::get_if<std::string>(&constant->values[0].is) : nullptr;
  const auto* list = tensors ? std::get_if<GeneralArgumentList>(&tensors->is) : nullptr;
  if (!text || !list || list->size() != 2) throw CannotLower{"an einsum of other than two tensors"};
  std::string plain;
  std::ranges::copy_if(*text, std::back_inserter(plain), [](char c) { return c != ' '; });
  const std::size_t comma = plain.find(','), arrow = plain.find("->");
  if (comma == std::string::npos || arrow == std::string::npos || plain.find('.') != std::string::npos)
    throw CannotLower{"an einsum with dots or without a result"};
  std::vector<Labelled> factors;
  for (const std::string& letters : {plain.substr(0, comma), plain.substr(comma + 1, arrow - comma - 1)}) {
    const auto* ref = std::get_if<TensorRef>(&(*list)[factors.size()].is);
    if (!ref) throw CannotLower{"an einsum of what is no tensor"};
    factors.push_back({r.l.value(*ref), letters});
    if (factors.back().value.dims.size() != letters.size()) throw CannotLower{"an einsum of other dimensions"};
  }
  r.give(contract(r, factors[0], factors[1], plain.substr(arrow + 2)));
}

void triangle(const Rule& r) {
  const Lowered v = r.x();
  const auto diagonal = r.args.fixed(1, "diagonal");
  const std::size_t rank = v.dims.size();
  if (rank < 2 || (!r.args.none(1, "diagonal") && !diagonal)) throw CannotLower{"a triangle of this"};
  const auto index = [&](std::size_t dim) {
    if (v.dims[dim].size() > 1) throw CannotLower{"a triangle along dimensions that are cut up"};
    if (!v.dims[dim].empty()) return r.l.index(v.dims[dim][0], dim, rank);
    Lowered first = r.l.constant(0);
    first.dims.resize(rank);
    return first;
  };
  const Lowered row = index(rank - 2), column = index(rank - 1);
  const Lowered edge = diagonal.value_or(0) == 0 ? row : r.f(Op::add, row, *diagonal);
  const Lowered inside = r.f(r.node.base() == "tril" ? Op::le : Op::ge, column, edge);
  r.give(r.l.type(v) == Type::mask ? r.f(Op::logical_and, inside, v) : r.where(inside, v, r.l.constant(0)));
}

}  // namespace kerf
