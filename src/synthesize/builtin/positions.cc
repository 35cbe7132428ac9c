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
  const bool like = base.ends_with("_like") || base == "fill";
  const std::size_t sizes_at = placed_from(r.node);
  Lowered v = base.starts_with("fill")                 ? r.args.operand(1, "value")
              : base.find("full") != std::string::npos ? r.args.operand(sizes_at + 1, "fill_value")
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

void put_by_mask(const Rule& r) {
  const Lowered v = r.x();
  const GeneralArgumentList& given = list_at(r, 1, "indices");
  const auto* ref = given.size() == 1 ? std::get_if<TensorRef>(&given[0].is) : nullptr;
  Lowered mask = ref ? r.l.value(*ref) : Lowered{}, value = r.args.tensor(2, "values");
  if (!ref || r.l.type(mask) != Type::mask || mask.dims.size() > v.dims.size())
    throw CannotLower{"elements that are put where an index says"};
  if (r.l.type(v) != Type::f32 || r.l.type(value) != Type::f32 ||
      std::ranges::any_of(value.dims, [](const auto& dim) { return !dim.empty(); }))
    throw CannotLower{"as many elements as a mask chooses"};
  mask.dims.resize(v.dims.size());
  value.dims.clear();
  r.give(r.where(mask, r.args.flag(3, "accumulate", false) ? r.f(Op::add, v, value) : value, v));
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

namespace {

// Elements whose positions along two dimensions are `offset` apart, along a dimension behind all others.
Lowered diagonal_of(const Rule& r, Lowered v, int offset, std::size_t d1, std::size_t d2) {
  const std::size_t workloads = r.l.workloads(), rank = v.dims.size();
  if (d1 == d2) throw CannotLower{"a diagonal of one dimension"};
  const Extent down = literal(std::max(-offset, 0), workloads), right = literal(std::max(offset, 0), workloads);
  const Extent rows = extent_of(r, v.dims[d1]) - down, columns = extent_of(r, v.dims[d2]) - right;
  Extent count = rows;
  if (rows.values != columns.values) {
    count.text = fmt::format("min({}, {})", rows.text, columns.text);
    for (std::size_t w = 0; w < workloads; ++w) count.values[w] = std::min(rows.values[w], columns.values[w]);
  }
  if (std::ranges::any_of(count.values, [](std::int64_t n) { return n <= 0; })) throw CannotLower{"an empty diagonal"};
  v = part(r, v, d2, right, one(workloads), count);
  if (count.is(1)) {
    v = part(r, v, d1, down, one(workloads), count);
  } else {
    if (v.dims[d2].size() != 1) throw CannotLower{"a diagonal along a dimension that is several axes"};
    const Lowered at = r.l.index(v.dims[d2][0], d2, rank);
    v = r.l.pick(v, static_cast<int>(d1), down.is(0) ? at : r.f(Op::add, at, r.l.number(down)));
  }
  const std::vector<int> along = v.dims[d2];
  v.dims.erase(v.dims.begin() + static_cast<std::ptrdiff_t>(std::max(d1, d2)));
  v.dims.erase(v.dims.begin() + static_cast<std::ptrdiff_t>(std::min(d1, d2)));
  v.dims.push_back(along);
  return v;
}

Lowered matrix_of_diagonal(const Rule& r, Lowered v) {
  const std::size_t d = v.dims.size() - 1, rank = d + 2;
  const std::vector<int> along = v.dims[d];
  v.dims.insert(v.dims.begin() + static_cast<std::ptrdiff_t>(d), std::vector<int>());
  if (along.empty()) return v;
  if (along.size() != 1) throw CannotLower{"a diagonal along a dimension that is several axes"};
  const int row = r.l.window_axis("e", r.l.extent(along[0]), false);
  const Lowered is_there = r.f(Op::eq, r.l.index(row, d, rank), r.l.index(along[0], d + 1, rank));
  return r.where(is_there, v, r.l.constant(0));
}

struct Candidates {
  std::size_t begin = 0, end = 0;
};

// The library's search by halves, written out: what it finds among bounds that are in no order, too. What is no number
// is behind all of them.
Lowered found(const Rule& r, const Lowered& v, const std::vector<Lowered>& bounds, Candidates among, Op stops) {
  if (among.begin == among.end) return r.l.constant(static_cast<double>(among.begin));
  const std::size_t middle = among.begin + (among.end - among.begin) / 2;
  const Lowered before = found(r, v, bounds, {.begin = among.begin, .end = middle}, stops);
  const Lowered behind = found(r, v, bounds, {.begin = middle + 1, .end = among.end}, stops);
  return r.where(r.f(stops, bounds[middle], v), before, behind);
}

int offset_of(const Rule& r, const char* key) { return r.args.none(1, key) ? 0 : r.args.dim(1, key); }

}  // namespace

void diagonal(const Rule& r) {  // self, offset, dim1, dim2
  const Lowered v = r.x();
  const std::size_t rank = v.dims.size();
  r.give(diagonal_of(r, v, offset_of(r, "offset"), dim_of(r, 2, "dim1", 0, rank), dim_of(r, 3, "dim2", 1, rank)));
}

void diagonal_matrix(const Rule& r) {  // self, offset, dim1, dim2
  const Lowered v = r.x();
  const std::size_t rank = v.dims.size() + 1;
  if (r.l.type(v) != Type::f32 || offset_of(r, "offset") != 0 || dim_of(r, 2, "dim1", -2, rank) != rank - 2 ||
      dim_of(r, 3, "dim2", -1, rank) != rank - 1)
    throw CannotLower{"this matrix of a diagonal"};
  r.give(matrix_of_diagonal(r, v));
}

void diag(const Rule& r) {  // diag: self, diagonal
  const Lowered v = r.x();
  const int offset = offset_of(r, "diagonal");
  if (v.dims.size() == 2) return r.give(diagonal_of(r, v, offset, 0, 1));
  if (v.dims.size() != 1 || offset != 0 || r.l.type(v) != Type::f32) throw CannotLower{"this matrix of a diagonal"};
  r.give(matrix_of_diagonal(r, v));
}

void trace(const Rule& r) {
  const Lowered v = diagonal_of(r, r.x(), 0, 0, 1);
  if (r.l.type(v) != Type::f32) throw CannotLower{"integers are reduced by the library"};
  r.give(r.l.remove_dims(r.l.reduce(ReduceOp::sum, v, r.l.axes_of(v, {0})), {0}, false));
}

void among_boundaries(const Rule& r) {
  constexpr std::int64_t few = 16;
  const bool buckets = r.node.base() == "bucketize";
  const Lowered v = r.args.tensor(buckets ? 0 : 1, "self");
  const Lowered all = r.args.tensor(buckets ? 1 : 0, buckets ? "boundaries" : "sorted_sequence");
  const bool by_rows = all.dims.size() > 1;
  if (r.node.results.at(0).dtype != Dtype::i64 || r.l.type(v) != Type::f32 || r.l.type(all) != Type::f32 ||
      all.dims.empty() || (by_rows && all.dims.size() != v.dims.size()) || !r.args.none(99, "side") ||
      !r.args.none(99, "sorter"))
    throw CannotLower{"this search"};
  const std::size_t d = all.dims.size() - 1;
  const Extent count = extent_of(r, all.dims[d]), single = one(r.l.workloads());
  if (std::ranges::any_of(count.values, [](std::int64_t n) { return n > few; }))
    throw CannotLower{"a search among many"};
  r.l.pin(count);
  std::vector<Lowered> bounds;
  for (std::int64_t k = 0; k < count.values[0]; ++k) {
    bounds.push_back(part(r, all, d, literal(k, r.l.workloads()), single, single));
    if (!by_rows) bounds.back().dims.clear();
  }
  r.give(found(r, v, bounds, {.begin = 0, .end = bounds.size()}, r.args.flag(99, "right", false) ? Op::gt : Op::ge));
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
