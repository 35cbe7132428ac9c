// The few largest elements along a dimension, one after the other; where the largest of all is, and of those so far.
#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "synthesize/builtin/places.h"
#include "synthesize/builtin/shapes.h"

namespace kerf {
namespace {

constexpr std::int64_t most_taken = 8;         // two passes each
constexpr std::int64_t longest_row = 1 << 14;  // which stays in a cache between these
constexpr double infinity = std::numeric_limits<double>::infinity();

// Passes look for the element that an earlier one found: what is computed anew might be rounded in another way.
void expect_in_memory(const Rule& r, const Lowered& v) {
  if (r.l.type(v) != Type::f32 || !r.l.is_load(v)) throw CannotLower{"the largest of what is not in memory"};
}

// Whether an element is what nothing is beyond, which is NaN where an element that counts is.
Lowered is_top(const Rule& r, const Lowered& v, const Lowered& top) {
  return r.f(Op::logical_or, r.f(Op::eq, v, top), r.f(Op::ne, v, v));
}

}  // namespace

// The first place, counted along memory of a contiguous tensor, that holds what no other element is beyond.
void position_of_all(const Rule& r) {
  const Lowered v = r.x();
  expect_in_memory(r, v);
  const std::vector<int> dims = r.l.all_dims(v), axes = r.l.axes_of(v, dims);
  r.expect_exact(v, dims);
  Lowered place = r.l.constant(0);
  for (std::size_t d = 0; d < v.dims.size(); ++d) {
    if (v.dims[d].empty()) continue;
    if (v.dims[d].size() != 1) throw CannotLower{"a position along a dimension that is several axes"};
    const int axis = v.dims[d][0];
    place = r.f(Op::add, r.f(Op::mul, place, r.l.number(r.l.extent(axis))), r.l.index(axis, d, v.dims.size()));
  }
  const Lowered top = r.l.reduce(r.node.base() == "argmax" ? ReduceOp::max : ReduceOp::min, v, axes);
  const Lowered at = r.l.reduce(ReduceOp::min, r.where(is_top(r, v, top), place, r.l.constant(infinity)), axes);
  r.give(r.l.remove_dims(at, dims, r.args.flag(2, "keepdim", false)));
}

void extreme_so_far(const Rule& r) {
  const Lowered v = r.x();
  const std::size_t rank = v.dims.size(), d = dim_of(r, 1, "dim", 0, rank);
  if (r.l.type(v) != Type::f32) throw CannotLower{"a scan in anything but f32"};
  const int dim = static_cast<int>(d);
  const Lowered top = r.l.scan(r.node.base() == "cummax" ? ReduceOp::max : ReduceOp::min, v, dim);
  r.give(top);
  if (!r.l.is_used({r.node.name, 1})) return;
  if (v.dims[d].size() != 1) throw CannotLower{"a position along a dimension that is not one axis"};
  // That of the last element which nothing before it is beyond.
  const Lowered place = r.l.index(v.dims[d][0], d, rank);
  r.give(r.l.scan(ReduceOp::max, r.where(is_top(r, v, top), place, r.l.constant(0)), dim), 1);
}

void top_elements(const Rule& r) {
  const Lowered v = r.x();
  const std::size_t d = dim_of(r, 2, "dim", -1, v.dims.size());
  if (!r.args.flag(3, "largest", true)) throw CannotLower{"the smallest, among which NaN is the last"};
  if (r.l.is_used({r.node.name, 1})) throw CannotLower{"where the largest are, which is open where some are equal"};
  expect_in_memory(r, v);
  const std::vector<std::int64_t> taken = sizes_of(r, 0, d);
  const Extent& length = v.dims[d].size() == 1 ? r.l.extent(v.dims[d][0]) : one(r.l.workloads());
  if (std::ranges::any_of(taken, [&](std::int64_t n) { return n != taken[0] || n > most_taken; }) || length.is(1) ||
      std::ranges::any_of(length.values, [](std::int64_t n) { return n > longest_row; }))
    throw CannotLower{"the largest of many"};
  const Lowered place = r.l.index(v.dims[d][0], d, v.dims.size());
  const std::vector<int> axes = v.dims[d];
  std::vector<Lowered> values;
  Lowered rest = place;  // infinity where an element is taken
  for (std::int64_t k = 0; k < taken[0]; ++k) {
    const Lowered is_left = r.f(Op::lt, rest, infinity);
    const Lowered top = r.l.reduce(ReduceOp::max, k == 0 ? v : r.where(is_left, v, r.l.constant(-infinity)), axes);
    const Lowered at = r.l.reduce(ReduceOp::min, r.where(is_top(r, v, top), rest, r.l.constant(infinity)), axes);
    values.push_back(top);
    rest = r.where(r.f(Op::eq, place, at), r.l.constant(infinity), rest);
  }
  r.l.bind_side_by_side({r.node.name, 0}, d, std::move(values));
}

}  // namespace kerf
