// Operators that repeat elements, or make or choose them by positions.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <vector>

#include "synthesize/builtin/places.h"
#include "synthesize/builtin/shapes.h"

namespace kerf {
namespace {

std::size_t placed_from(const GeneralNode& node) { return node.base().starts_with("new_") ? 1 : 0; }

// Indices of a dimension of `size` elements; those from the end count backwards.
Lowered from_start(const Rule& r, const Lowered& index, const Extent& size) {
  if (r.l.type(index) == Type::mask) throw CannotLower{"elements that a mask chooses"};
  if (std::ranges::any_of(size.values, [](std::int64_t n) { return n >> 24 != 0; }))
    throw CannotLower{"indices that floats cannot tell apart"};
  const Lowered at = r.l.type(index) == Type::i64 ? r.f(Op::to_float, index) : index;
  return r.where(r.f(Op::lt, at, 0), r.f(Op::add, at, r.l.number(size)), at);
}

}  // namespace

void expand(const Rule& r) {
  const Lowered v = r.x();
  const std::size_t rank = r.node.results.at(0).rank(), before = rank - v.dims.size();
  if (rank < v.dims.size()) throw CannotLower{"this expansion"};
  Lowered made{.value = v.value, .dims = std::vector<std::vector<int>>(before)};
  made.dims.insert(made.dims.end(), v.dims.begin(), v.dims.end());
  const bool as = r.node.base() == "expand_as";
  const Lowered like = as ? r.args.tensor(1, "other") : Lowered{};
  for (std::size_t d = 0; d < rank; ++d) {
    const std::vector<std::int64_t> want = sizes_of(r, 0, d);
    if (!made.dims[d].empty() || std::ranges::all_of(want, [](std::int64_t n) { return n == 1; })) continue;
    if (as) {
      made.dims[d] = like.dims.at(d);
      continue;
    }
    const auto* constant = std::get_if<Constant>(&list_at(r, 1, "size").at(d).is);
    if (!constant) throw CannotLower{"a size must be an integer"};
    const Extent size = extent_of(*constant);
    expect_size(r, 0, d, size);
    made.dims[d] = {r.l.window_axis("e", size, false)};
  }
  r.give(made);
}

void repeat(const Rule& r) {
  const Lowered v = r.x();
  const GeneralArgumentList& times = list_at(r, 1, "repeats");
  if (times.size() < v.dims.size()) throw CannotLower{"this repetition"};
  Lowered made{.value = v.value, .dims = std::vector<std::vector<int>>(times.size() - v.dims.size())};
  made.dims.insert(made.dims.end(), v.dims.begin(), v.dims.end());
  for (std::size_t d = 0; d < times.size(); ++d) {
    const auto* constant = std::get_if<Constant>(&times[d].is);
    if (!constant) throw CannotLower{"a number of times must be an integer"};
    const Extent count = extent_of(*constant);
    if (!count.is(1)) made.dims[d].insert(made.dims[d].begin(), r.l.window_axis("e", count, false));
  }
  r.give(made);
}

void repeat_elements(const Rule& r) {
  Lowered v = r.x();
  if (r.node.overload() != "self_int" || r.args.none(2, "dim")) throw CannotLower{"this repetition"};
  const std::size_t d = dim_of(r, 2, "dim", 0, v.dims.size());
  const Extent count = r.args.extents(1, "repeats", 1).at(0);
  if (!count.is(1)) v.dims[d].push_back(r.l.window_axis("e", count, false));
  expect_size(r, 0, d, extent_of(r, v.dims[d]));
  r.give(v);
}

void sequence(const Rule& r) {
  const GeneralTensor& to = r.node.results.at(0);
  if (to.rank() != 1 || (to.dtype != Dtype::f32 && to.dtype != Dtype::i64)) throw CannotLower{"this sequence"};
  const bool from_zero = r.node.overload() == "default";
  const std::size_t workloads = r.l.workloads();
  const Extent begin = from_zero ? literal(0, workloads) : r.args.extents(0, "start", 1).at(0);
  const Extent end = r.args.extents(from_zero ? 0 : 1, "end", 1).at(0);
  const Extent step = r.args.none(2, "step") ? one(workloads) : r.args.extents(2, "step", 1).at(0);
  Extent count = end - begin;
  if (!step.is(1)) {
    count.text = fmt::format("cdiv({}, {})", count.text, step.text);
    for (std::size_t w = 0; w < workloads; ++w) {
      if (step.values[w] <= 0) throw CannotLower{"this sequence"};
      count.values[w] = (count.values[w] + step.values[w] - 1) / step.values[w];
    }
  }
  expect_size(r, 0, 0, count);
  for (std::size_t w = 0; w < workloads; ++w)
    if (std::max(std::abs(begin.values[w]), std::abs(end.values[w])) > most_exact)
      throw CannotLower{"positions that floats cannot tell apart"};
  Lowered at;
  if (count.is(1)) {
    at = r.l.number(begin);
    at.dims.resize(1);
  } else {
    at = r.l.index(r.l.window_axis("e", count, false), 0, 1);
    if (!step.is(1)) at = r.f(Op::mul, at, r.l.number(step));
    if (!begin.is(0)) at = r.f(Op::add, at, r.l.number(begin));
  }
  r.give(at);
}

void filled(const Rule& r) {
  const GeneralTensor& to = r.node.results.at(0);
  const std::string base = r.node.base();
  const bool like = base.ends_with("_like");
  const std::size_t sizes_at = placed_from(r.node);
  Lowered v = base.find("full") != std::string::npos ? r.args.operand(sizes_at + 1, "fill_value")
                                                     : r.l.constant(base.find("ones") != std::string::npos ? 1 : 0);
  if (!v.dims.empty() || r.l.type(v) != Type::f32) throw CannotLower{"a tensor filled with anything but a number"};
  if (to.dtype == Dtype::boolean) {
    v = r.f(Op::ne, v, 0);
  } else if (to.dtype != Dtype::f32 && to.dtype != Dtype::i64) {
    throw CannotLower{"a tensor filled with anything but a number"};
  }
  if (like) {
    v.dims = r.x().dims;
    return r.give(v);
  }
  v.dims.resize(to.rank());
  const GeneralArgumentList& sizes = list_at(r, sizes_at, "size");
  for (std::size_t d = 0; d < to.rank(); ++d) {
    const auto* constant = std::get_if<Constant>(&sizes.at(d).is);
    if (!constant) throw CannotLower{"a size must be an integer"};
    const Extent size = extent_of(*constant);
    expect_size(r, 0, d, size);
    if (!size.is(1)) v.dims[d] = {r.l.window_axis("e", size, false)};
  }
  r.give(v);
}

void rows_by_index(const Rule& r) {
  const bool embedding = r.node.base() == "embedding";
  const Lowered v = r.args.tensor(0, embedding ? "weight" : "self");
  const std::size_t d = embedding ? 0 : dim_of(r, 1, "dim", 0, v.dims.size());
  r.give(r.l.pick_all(v, {{d, r.args.tensor(embedding ? 1 : 2, embedding ? "indices" : "index")}}));
}

void elements_by_index(const Rule& r) {
  const Lowered v = r.x();
  const GeneralArgumentList& given = list_at(r, 1, "indices");
  std::map<std::size_t, Lowered> indices;
  for (std::size_t d = 0; d < given.size(); ++d)
    if (const auto* ref = std::get_if<TensorRef>(&given[d].is))
      indices.emplace(d, from_start(r, r.l.value(*ref), extent_of(r, v.dims.at(d))));
  if (indices.empty()) throw CannotLower{"this index"};
  r.give(r.l.pick_all(v, indices));
}

void gathered(const Rule& r) {
  const bool along = r.node.base() == "take_along_dim";
  if (along && r.args.none(2, "dim")) throw CannotLower{"elements of all dimensions in one row"};
  const Lowered v = r.x(), index = r.args.tensor(along ? 1 : 2, along ? "indices" : "index");
  const std::size_t d = dim_of(r, along ? 2 : 1, "dim", 0, v.dims.size());
  r.give(r.l.pick(v, static_cast<int>(d), along ? from_start(r, index, extent_of(r, v.dims.at(d))) : index));
}

Lowered is_class(const Rule& r, const Lowered& classes, std::size_t dim, int axis) {
  if (r.l.type(classes) != Type::i64) throw CannotLower{"classes must be integers"};
  Lowered wide = classes;
  wide.dims.insert(wide.dims.begin() + static_cast<std::ptrdiff_t>(dim), std::vector<int>());
  return r.f(Op::eq, r.l.index(axis, dim, wide.dims.size()), wide);
}

void one_hot(const Rule& r) {
  const Lowered v = r.x();
  const Extent count = r.args.extents(1, "num_classes", 1).at(0);
  const std::size_t d = v.dims.size();
  expect_size(r, 0, d, count);
  if (count.is(1)) throw CannotLower{"a single class"};
  r.give(r.where(is_class(r, v, d, r.l.window_axis("e", count, false)), r.l.constant(1), r.l.constant(0)));
}

}  // namespace kerf
