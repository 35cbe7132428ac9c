// Scatters: elements that are put, or added, where an index says. Each result looks for what is meant for it, so that
// nothing is written twice and sums have one order: whatever is put is looked at once for each place along the
// dimension, which is worth it where either is few.
#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "synthesize/builtin/places.h"
#include "synthesize/builtin/shapes.h"

namespace kerf {
namespace {

constexpr std::int64_t most_put = 8;      // along the dimension: a choice each, written out
constexpr std::int64_t most_places = 16;  // along the dimension: a reduction each

bool at_most(const Extent& extent, std::int64_t limit) {
  return std::ranges::all_of(extent.values, [&](std::int64_t n) { return n <= limit; });
}

struct Scatter {
  std::size_t dim = 0;
  Lowered self, index, source;  // of one rank; the source is a number, too
  // How what is meant for one place is joined; none: the last one stays.
  std::optional<ReduceOp> join;
};

Op joins(ReduceOp op) {
  return op == ReduceOp::sum    ? Op::add
         : op == ReduceOp::prod ? Op::mul
         : op == ReduceOp::max  ? Op::maximum
                                : Op::minimum;
}

double neutral(ReduceOp op) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  return op == ReduceOp::sum ? 0 : op == ReduceOp::prod ? 1 : op == ReduceOp::max ? -infinity : infinity;
}

ReduceOp reduction_of(const Rule& r) {
  const GeneralArgument* argument = r.args.get(4, "reduce");
  const auto* constant = argument ? std::get_if<Constant>(&argument->is) : nullptr;
  const auto* word = constant ? std::get_if<std::string>(&constant->values[0].is) : nullptr;
  if (!word || !r.args.flag(99, "include_self", true)) throw CannotLower{"this scatter"};
  if (*word == "sum") return ReduceOp::sum;
  if (*word == "prod") return ReduceOp::prod;
  if (*word == "amax") return ReduceOp::max;
  if (*word == "amin") return ReduceOp::min;
  throw CannotLower{"a scatter that takes means"};
}

Scatter scatter_of(const Rule& r) {
  const std::string base = r.node.base();
  Scatter made{.self = r.x(), .index = r.args.tensor(2, "index"), .source = {}, .join = {}};
  const std::size_t rank = made.self.dims.size();
  made.dim = dim_of(r, 1, "dim", 0, rank);
  if (base == "scatter") {
    if (r.node.overload() != "src" && r.node.overload() != "value") throw CannotLower{"this scatter"};
    made.source = r.node.overload() == "src" ? r.args.tensor(3, "src") : r.args.operand(3, "value");
  } else {
    made.source = r.args.tensor(3, base == "index_add" ? "source" : "src");
    made.join = base == "scatter_reduce" ? reduction_of(r) : ReduceOp::sum;
  }
  if (base == "index_add") {
    if (made.index.dims.size() != 1) throw CannotLower{"this scatter"};
    made.index = Rule::along(made.index, made.dim, rank);
    if (!r.args.none(99, "alpha") && r.args.fixed(99, "alpha") != 1)
      made.source = r.f(Op::mul, made.source, r.args.operand(99, "alpha"));
  }
  if (r.l.type(made.self) != Type::f32 || r.l.type(made.source) != Type::f32 || made.index.dims.size() != rank)
    throw CannotLower{"a scatter of anything but f32"};
  const bool number = made.source.dims.empty();
  if (!number && made.source.dims.size() != rank) throw CannotLower{"this scatter"};
  const Extent count = extent_of(r, made.index.dims[made.dim]);
  for (std::size_t d = 0; d < rank; ++d) {
    const auto here = [&](const Lowered& v) { return extent_of(r, v.dims[d]).values; };
    const std::vector<std::int64_t> wanted = d == made.dim ? count.values : here(made.self);
    const bool for_all = base == "index_add" && d != made.dim;
    if ((!for_all && here(made.index) != wanted) || (!number && here(made.source) != wanted))
      throw CannotLower{"a scatter into a part"};
  }
  return made;
}

// Whether what is put there is meant for this place. Indices are within the dimension, so that floats hold them.
Lowered is_meant(const Rule& r, const Lowered& index, const Lowered& place) {
  return r.f(Op::eq, r.l.type(index) == Type::i64 ? r.f(Op::to_float, index) : index, place);
}

Lowered written_out(const Rule& r, const Scatter& s, const Extent& count, const Lowered& place) {
  const Extent single = one(r.l.workloads());
  r.l.pin(count);
  Lowered made = s.self;
  for (std::int64_t k = 0; k < count.values[0]; ++k) {
    const auto nth = [&](const Lowered& v) {
      return v.dims.empty() ? v : part(r, v, s.dim, literal(k, r.l.workloads()), single, single);
    };
    const Lowered source = nth(s.source);
    made = r.where(is_meant(r, nth(s.index), place), s.join ? r.f(joins(*s.join), made, source) : source, made);
  }
  return made;
}

Lowered joined(const Rule& r, const Scatter& s, Lowered place) {
  // What is put has a dimension of its own, behind that of places.
  const auto apart = [&](Lowered v) {
    v.dims.insert(v.dims.begin() + static_cast<std::ptrdiff_t>(s.dim), std::vector<int>());
    return v;
  };
  place.dims.insert(place.dims.begin() + static_cast<std::ptrdiff_t>(s.dim) + 1, std::vector<int>());
  const Lowered terms = r.where(is_meant(r, apart(s.index), place), apart(s.source), r.l.constant(neutral(*s.join)));
  const int over = static_cast<int>(s.dim) + 1;
  const Lowered total = r.l.reduce(*s.join, terms, r.l.axes_of(terms, {over}));
  return r.f(joins(*s.join), s.self, r.l.remove_dims(total, {over}, false));
}

}  // namespace

void scattered(const Rule& r) {
  const Scatter s = scatter_of(r);
  const Extent count = extent_of(r, s.index.dims[s.dim]), places = extent_of(r, s.self.dims[s.dim]);
  if (s.self.dims[s.dim].size() != 1) throw CannotLower{"a scatter along a dimension that is not one axis"};
  if (!at_most(places, most_exact)) throw CannotLower{"indices that floats cannot tell apart"};
  const Lowered place = r.l.index(s.self.dims[s.dim][0], s.dim, s.self.dims.size());
  if (at_most(count, most_put)) return r.give(written_out(r, s, count, place));
  if (!s.join || !at_most(places, most_places)) throw CannotLower{"a scatter of many elements to many places"};
  r.give(joined(r, s, place));
}

}  // namespace kerf
