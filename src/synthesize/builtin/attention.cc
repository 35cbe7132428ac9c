#include "synthesize/builtin/attention.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <set>
#include <utility>
#include <vector>

#include "synthesize/builtin/products.h"
#include "synthesize/builtin/shapes.h"

namespace kerf {
namespace {

using Form = Instruction::Form;

constexpr double infinity = std::numeric_limits<double>::infinity();

class Reader {
 public:
  explicit Reader(const Region& region) : r_(region) {}

  std::optional<AttentionShape> run() {
    if (r_.waves < 2 || !find_products() || !find_axes()) return std::nullopt;
    if (std::ranges::count_if(r_.code, [](const Instruction& i) { return i.form == Form::reduce; }) > 2) {
      p_.softmax = softmax();
      if (!p_.softmax) return std::nullopt;
    }
    const std::uint64_t between = p_.batch | p_.rows | p_.columns, behind = p_.batch | p_.rows | p_.width;
    const int last = p_.softmax ? p_.softmax->logits : p_.weights;
    std::set<int> after = {p_.results};
    if (p_.softmax) after.insert({p_.softmax->top, p_.softmax->total});
    if (!follows(last, {p_.scores}, between)) return std::nullopt;
    for (const RegionStore& store : r_.stores) {
      std::uint64_t axes = 0;
      for (const Subscript& s : store.access.subscripts) axes |= std::uint64_t{1} << s.axis;
      if (axes != behind || !follows(store.value, after, behind)) return std::nullopt;
    }
    p_.diagonal = diagonal(last);
    p_.hidden = hidden(last);
    return p_;
  }

 private:
  [[nodiscard]] const Instruction& at(int v) const { return r_.code[static_cast<std::size_t>(v)]; }
  [[nodiscard]] bool is(int v, Op op) const { return at(v).form == Form::pointwise && at(v).op == op; }
  [[nodiscard]] bool is(int v, ReduceOp op) const { return at(v).form == Form::reduce && at(v).reduce == op; }
  [[nodiscard]] bool is_number(int v, double n) const { return at(v).form == Form::constant && at(v).constant == n; }
  [[nodiscard]] bool is_factor(int v) const { return at(v).wave == 0 && at(v).form != Form::constant; }

  // The sum of products whose factors are known before, and the one whose factors come from it.
  bool find_products() {
    for (int v = 0; v < static_cast<int>(r_.code.size()); ++v) {
      if (!is(v, ReduceOp::sum) || !is(at(v).operands[0], Op::mul)) continue;
      const Instruction& term = at(at(v).operands[0]);
      const int a = term.operands[0], b = term.operands[1];
      if (is_factor(a) && is_factor(b)) {
        if (p_.scores >= 0) return false;
        p_.scores = v;
        p_.queries = a;
        p_.keys = b;
      } else if (is_factor(a) || is_factor(b)) {
        if (p_.results >= 0) return false;
        p_.results = v;
        p_.weights = is_factor(a) ? b : a;
        p_.values = is_factor(a) ? a : b;
      }
    }
    return p_.scores >= 0 && p_.results >= 0;
  }
  [[nodiscard]] std::uint64_t summed_over(int sum) const { return at(at(sum).operands[0]).axes & ~at(sum).axes; }

  bool find_axes() {
    p_.inner = summed_over(p_.scores);
    p_.columns = summed_over(p_.results);
    const auto alone = [&](int a, int b) { return at(a).axes & ~at(b).axes & ~p_.inner; };
    if (alone(p_.keys, p_.queries) != p_.columns) std::swap(p_.queries, p_.keys);
    p_.rows = alone(p_.queries, p_.keys);
    p_.batch = at(p_.queries).axes & at(p_.keys).axes & ~p_.inner;
    p_.width = at(p_.values).axes & ~p_.columns & ~p_.batch;
    const std::uint64_t both = at(p_.queries).axes & at(p_.keys).axes;
    return alone(p_.keys, p_.queries) == p_.columns && (p_.columns & p_.inner) == 0 && (both & p_.inner) == p_.inner &&
           (at(p_.values).axes & p_.columns) == p_.columns && (p_.width & (p_.rows | p_.inner)) == 0 && p_.rows != 0 &&
           p_.width != 0 && r_.reduced == (p_.columns | p_.inner);
  }

  // weights = exp(logits - top), or minus 0 where all logits are minus infinity.
  [[nodiscard]] std::optional<AttentionShape::Softmax> softmax() const {
    if (!is(p_.weights, Op::exp) || !is(at(p_.weights).operands[0], Op::sub)) return std::nullopt;
    const Instruction& shifted = at(at(p_.weights).operands[0]);
    AttentionShape::Softmax found{.logits = shifted.operands[0], .top = shifted.operands[1]};
    if (is(found.top, Op::where)) {
      const std::vector<int>& choice = at(found.top).operands;
      if (!is(choice[0], Op::eq) || !is_number(choice[1], 0) || at(choice[0]).operands[0] != choice[2] ||
          !is_number(at(choice[0]).operands[1], -infinity))
        return std::nullopt;
      found.top = choice[2];
    }
    if (!is(found.top, ReduceOp::max) || at(found.top).operands[0] != found.logits) return std::nullopt;
    for (int v = 0; v < static_cast<int>(r_.code.size()); ++v) {
      if (at(v).form != Form::reduce || v == p_.scores || v == p_.results || v == found.top) continue;
      if (found.total >= 0 || !is(v, ReduceOp::sum) || at(v).operands[0] != p_.weights) return std::nullopt;
      found.total = v;
    }
    for (const int v : {found.top, found.total})
      if (v >= 0 && summed_over(v) != p_.columns) return std::nullopt;
    return found.total < 0 ? std::nullopt : std::optional(found);
  }

  // Whether `v` is computed from results of `reductions` and what varies along `axes` alone, without gathers.
  [[nodiscard]] bool follows(int v, const std::set<int>& reductions, std::uint64_t axes) const {
    std::vector<int> open = {v};
    std::set<int> seen;
    while (!open.empty()) {
      const int each = open.back();
      open.pop_back();
      if (!seen.insert(each).second) continue;
      if ((at(each).axes & ~axes) != 0 || !at(each).access.picks.empty()) return false;
      if (at(each).form == Form::reduce) {
        if (!reductions.contains(each)) return false;
        continue;
      }
      open.insert(open.end(), at(each).operands.begin(), at(each).operands.end());
    }
    return true;
  }

  // What is done to scores last, and whether negative numbers became 0 by it.
  [[nodiscard]] std::pair<int, bool> before_relu(int v) const {
    bool clamped = false;
    for (; is(v, Op::relu); v = at(v).operands[0]) clamped = true;
    return {v, clamped};
  }
  [[nodiscard]] bool weighs_nothing(int v, bool clamped) const {
    if (at(v).form != Form::constant) return false;
    if (p_.softmax) return at(v).constant == -infinity;
    return clamped ? at(v).constant <= 0 : at(v).constant == 0;
  }

  [[nodiscard]] std::optional<AttentionShape::Hidden> hidden(int last) const {
    const auto [v, clamped] = before_relu(last);
    const std::uint64_t between = p_.batch | p_.rows | p_.columns;
    const auto is_known = [&](int of) { return at(of).form != Form::constant && follows(of, {}, between); };
    const std::vector<int>& operands = at(v).operands;
    if (is(v, Op::where) && is_known(operands[0]))
      for (const bool is : {true, false})
        if (weighs_nothing(operands[is ? 1 : 2], clamped))
          return AttentionShape::Hidden{.value = operands[0], .is = is};
    if (is(v, Op::add) && p_.softmax)
      for (const int bias : operands)
        if (is_known(bias)) return AttentionShape::Hidden{.value = bias};
    return std::nullopt;
  }

  // where(column <= row + n, …, what weighs nothing)
  [[nodiscard]] std::optional<std::int64_t> diagonal(int last) const {
    const auto [v, clamped] = before_relu(last);
    if (!is(v, Op::where) || !std::has_single_bit(p_.rows) || !std::has_single_bit(p_.columns)) return std::nullopt;
    const Instruction& mask = at(at(v).operands[0]);
    if (!weighs_nothing(at(v).operands[2], clamped) || mask.form != Form::pointwise || mask.op != Op::le)
      return std::nullopt;
    const auto is_position = [&](int of, std::uint64_t axis) {
      return at(of).form == Form::index && at(of).axes == axis;
    };
    if (!is_position(mask.operands[0], p_.columns)) return std::nullopt;
    if (is_position(mask.operands[1], p_.rows)) return 0;
    if (!is(mask.operands[1], Op::add)) return std::nullopt;
    const std::vector<int>& sum = at(mask.operands[1]).operands;
    if (!is_position(sum[0], p_.rows) || at(sum[1]).form != Form::constant) return std::nullopt;
    return static_cast<std::int64_t>(std::floor(at(sum[1]).constant));
  }

  const Region& r_;
  AttentionShape p_;
};

}  // namespace

std::optional<AttentionShape> attention_shape(const Region& region) { return Reader(region).run(); }

// Rows that see no key are 0, as the library has them.
void attention(const Rule& r) {
  const Lowered q = r.args.tensor(0, "query"), k = r.args.tensor(1, "key"), v = r.args.tensor(2, "value");
  if (!r.args.none(4, "dropout_p") && r.args.fixed(4, "dropout_p") != 0) throw CannotLower{"dropout"};
  if (r.args.flag(7, "enable_gqa", false)) throw CannotLower{"heads that share keys"};
  const std::size_t rank = q.dims.size();
  if (rank < 2 || k.dims.size() != rank || v.dims.size() != rank) throw CannotLower{"an attention of other dimensions"};
  Lowered across = k;
  std::swap(across.dims[rank - 2], across.dims[rank - 1]);
  Lowered logits = product_of(r, q, across);
  if (r.args.none(6, "scale")) {
    const Extent inner = extent_of(r, q.dims[rank - 1]);
    const std::int64_t n = inner.values.at(0);
    logits = inner.is(n) ? r.f(Op::mul, logits, 1 / std::sqrt(static_cast<double>(n)))
                         : r.f(Op::div, logits, r.f(Op::sqrt, r.l.number(inner)));
  } else {
    logits = r.f(Op::mul, logits, r.args.number(6, "scale", 1));
  }
  if (!r.args.none(3, "attn_mask")) {
    const Lowered mask = r.args.tensor(3, "attn_mask");
    logits = r.l.type(mask) == Type::mask ? r.where(mask, logits, r.l.constant(-infinity)) : r.f(Op::add, logits, mask);
  }
  if (r.args.flag(5, "is_causal", false)) {
    const auto index = [&](std::size_t dim) {
      if (logits.dims[dim].size() != 1) throw CannotLower{"causal attention over dimensions that are cut up"};
      return r.l.index(logits.dims[dim][0], dim, rank);
    };
    logits = r.where(r.f(Op::le, index(rank - 1), index(rank - 2)), logits, r.l.constant(-infinity));
  }
  const std::vector<int> keys = r.l.axes_of(logits, {-1});
  const Lowered top = r.l.reduce(ReduceOp::max, logits, keys);
  const Lowered none = r.f(Op::eq, top, -infinity);
  const Lowered weights = r.f(Op::exp, r.f(Op::sub, logits, r.where(none, r.l.constant(0), top)));
  const Lowered total = r.l.reduce(ReduceOp::sum, weights, keys);
  r.give(r.f(Op::div, product_of(r, weights, v), r.where(none, r.l.constant(1), total)));
}

}  // namespace kerf
