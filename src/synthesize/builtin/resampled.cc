// Images of another size, and channels that become places.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "synthesize/builtin/places.h"
#include "synthesize/builtin/shapes.h"
#include "synthesize/builtin/windows.h"

namespace kerf {
namespace {

constexpr std::size_t first_place = 2;  // dimension, behind batches and channels

// How often each element of dimension `d` is in the result: a number, the same everywhere.
std::int64_t times_along(const Rule& r, const Lowered& v, std::size_t d) {
  const Extent from = extent_of(r, v.dims.at(d));
  const std::vector<std::int64_t> to = sizes_of(r, 0, d);
  const std::int64_t times = to[0] / from.values[0];
  for (std::size_t w = 0; w < to.size(); ++w)
    if (times < 1 || from.values[w] * times != to[w]) throw CannotLower{"images that do not grow by whole numbers"};
  return times;
}

// An axis within each element of a dimension, and the position along it as a number that is of no dimension.
struct Within {
  int axis = -1;
  Lowered position;
};
Within within(const Rule& r, std::int64_t times) {
  Within made{.axis = r.l.window_axis("r", literal(times, r.l.workloads()), false), .position = {}};
  made.position = r.l.index(made.axis, 0, 1);
  made.position.dims.clear();
  return made;
}

// Whether ATen's own formula, in floats, takes element i / times for each i.
void expect_nearest(const std::vector<std::int64_t>& sizes, std::int64_t times, float middle) {
  const float scale = 1.0F / static_cast<float>(times);
  for (const std::int64_t size : sizes)
    for (std::int64_t i = 0; i < size; ++i)
      if (static_cast<std::int64_t>(std::floor((static_cast<float>(i) + middle) * scale)) != i / times)
        throw CannotLower{"neighbours that rounding chooses"};
}

Lowered nearest_along(const Rule& r, Lowered v, std::size_t d, float middle) {
  const std::int64_t times = times_along(r, v, d);
  if (times == 1) return v;
  expect_nearest(sizes_of(r, 0, d), times, middle);
  const Within inner = within(r, times);
  // What is stored varies along all of its axes.
  v = r.where(r.f(Op::lt, inner.position, static_cast<double>(times)), v, r.l.constant(0));
  v.dims[d].push_back(inner.axis);
  return v;
}

// Between the middles of two elements, of which the outermost ones go on.
Lowered linear_along(const Rule& r, const Lowered& v, std::size_t d) {
  const std::int64_t times = times_along(r, v, d);
  if (times == 1) return v;
  if (v.dims[d].size() != 1) throw CannotLower{"an image whose dimension is not one axis"};
  const std::size_t workloads = r.l.workloads();
  const Extent size = r.l.extent(v.dims[d][0]);
  const int axis = r.l.window_axis("o", size, false);
  const auto shifted = [&](std::int64_t by) {
    const WindowStep step{.dim = d,
                          .out = axis,
                          .inside = -1,
                          .step = one(workloads),
                          .apart = one(workloads),
                          .shift = literal(by, workloads),
                          .limit = size,
                          .below = by < 0,
                          .above = by > 0};
    return r.l.moved(v, {step}, 0);
  };
  const Lowered here = shifted(0), at = r.l.index(axis, d, v.dims.size());
  const Lowered before = r.where(r.f(Op::lt, at, 1), here, shifted(-1));
  const Lowered behind = r.where(r.f(Op::lt, at, r.l.number(size - one(workloads))), shifted(1), here);
  const Within inner = within(r, times);
  const auto n = static_cast<double>(times);
  // How far beyond the middle of `here`, from -1/2 to 1/2.
  const Lowered beyond = r.f(Op::sub, r.f(Op::div, r.f(Op::add, inner.position, 0.5), n), 0.5);
  const Lowered is_before = r.f(Op::lt, beyond, 0);
  const Lowered low = r.where(is_before, before, here), high = r.where(is_before, here, behind);
  const Lowered share = r.where(is_before, r.f(Op::add, beyond, 1), beyond);
  Lowered made = r.f(Op::add, r.f(Op::mul, r.f(Op::sub, 1, share), low), r.f(Op::mul, share, high));
  made.dims[d].push_back(inner.axis);
  return made;
}

// The number by which the sizes of dimension `d` were multiplied, where that was given instead of sizes.
std::optional<double> factor_of(const Rule& r, std::size_t d) {
  const std::size_t at = 3;
  if (r.node.overload() != "vec" || r.args.none(at, "scale_factors")) return std::nullopt;
  const auto* constant = std::get_if<Constant>(&list_at(r, at, "scale_factors").at(d - first_place).is);
  const auto* factor = constant && constant->text.empty() ? std::get_if<double>(&constant->values[0].is) : nullptr;
  if (!factor) throw CannotLower{"a factor that differs between workloads"};
  return *factor;
}

// The size of dimension `d` of the result: as it was given, or a number where it is the same in all workloads.
Extent size_of_result(const Rule& r, std::size_t d) {
  const std::vector<std::int64_t> want = sizes_of(r, 0, d);
  if (!r.args.none(1, "output_size")) {
    const auto* constant = std::get_if<Constant>(&list_at(r, 1, "output_size").at(d - first_place).is);
    if (!constant) throw CannotLower{"a size must be an integer"};
    const Extent size = extent_of(*constant);
    expect_size(r, 0, d, size);
    return size;
  }
  if (std::ranges::any_of(want, [&](std::int64_t n) { return n != want[0]; }))
    throw CannotLower{"images that do not grow by whole numbers"};
  r.l.pin(extent_of(r, r.x().dims.at(d)));
  return literal(want[0], r.l.workloads());
}

// Between two elements wherever a place of the result falls, rounded as ATen does in floats.
Lowered between(const Rule& r, const Lowered& v, std::size_t d, bool corners) {
  const Extent from = extent_of(r, v.dims.at(d)), to = size_of_result(r, d), single = one(r.l.workloads());
  if (from.values == to.values) return v;
  if (v.dims[d].size() != 1 || std::ranges::any_of(to.values, [](std::int64_t n) { return n < 2; }))
    throw CannotLower{"an image whose dimension is not one axis"};
  const Lowered at = r.l.index(r.l.window_axis("o", to, false), d, v.dims.size());
  const Lowered last = r.l.number(from - single);
  Lowered source;
  if (corners) {
    source = r.f(Op::mul, at, r.f(Op::div, last, r.l.number(to - single)));
  } else {
    const std::optional<double> factor = factor_of(r, d);
    const Lowered step = factor ? r.l.constant(1 / *factor) : r.f(Op::div, r.l.number(from), r.l.number(to));
    source = r.f(Op::maximum, r.f(Op::sub, r.f(Op::mul, r.f(Op::add, at, 0.5), step), 0.5), 0);
  }
  const Lowered low = r.f(Op::minimum, r.f(Op::floor, source), last);
  const Lowered high = r.f(Op::minimum, r.f(Op::add, low, 1), last);
  const Lowered share = r.f(Op::minimum, r.f(Op::sub, source, low), 1);
  const auto there = [&](const Lowered& index) { return r.l.pick(v, static_cast<int>(d), index); };
  return r.f(Op::add, r.f(Op::mul, r.f(Op::sub, 1, share), there(low)), r.f(Op::mul, share, there(high)));
}

// Whether the result has as many whole elements for each one.
bool grows_evenly(const Rule& r, const Lowered& v) {
  for (std::size_t d = first_place; d < v.dims.size(); ++d) {
    const std::vector<std::int64_t> from = extent_of(r, v.dims[d]).values, to = sizes_of(r, 0, d);
    for (std::size_t w = 0; w < to.size(); ++w)
      if (to[w] % from[w] != 0 || to[w] / from[w] != to[0] / from[0]) return false;
  }
  return true;
}

Extent squared(const Extent& e) { return e * e; }

}  // namespace

void upsample_nearest(const Rule& r) {
  Lowered v = r.x();
  const float middle = r.node.base().find("exact") == std::string::npos ? 0.0F : 0.5F;
  for (std::size_t d = first_place; d < v.dims.size(); ++d) v = nearest_along(r, v, d, middle);
  r.give(v);
}

void upsample_linear(const Rule& r) {
  Lowered v = r.x();
  const bool corners = r.args.flag(2, "align_corners", false), evenly = !corners && grows_evenly(r, v);
  if (r.l.is_costly(v)) throw CannotLower{"neighbours that cost much are computed once"};
  for (std::size_t d = first_place; d < v.dims.size(); ++d)
    v = evenly ? linear_along(r, v, d) : between(r, v, d, corners);
  r.give(v);
}

void pixel_shuffle(const Rule& r) {
  Lowered v = r.x();
  const std::size_t rank = v.dims.size(), channels = rank - 3;
  const Extent times = r.args.extents(1, "upscale_factor", 1).at(0);
  if (v.dims.at(channels).size() != 1) throw CannotLower{"channels that are not one axis"};
  int inner = v.dims[channels][0];
  v.dims[channels].clear();
  Extent count = r.l.extent(inner);
  for (std::size_t w = 0; w < r.l.workloads(); ++w) count.values[w] /= times.values[w] * times.values[w];
  count.text = fmt::format("{} // {}", in_brackets(count.text), in_brackets(squared(times).text));
  if (!count.is(1)) {
    const auto [kept, rest] = r.l.split_axis(inner, count, squared(times));
    v.dims[channels] = {kept};
    inner = rest;
  }
  const auto [rows, columns] = r.l.split_axis(inner, times, times);
  v.dims[rank - 2].push_back(rows);
  v.dims[rank - 1].push_back(columns);
  r.give(v);
}

void pixel_unshuffle(const Rule& r) {
  Lowered v = r.x();
  const std::size_t rank = v.dims.size();
  const Extent times = r.args.extents(1, "downscale_factor", 1).at(0);
  for (const std::size_t d : {rank - 2, rank - 1}) {
    if (v.dims.at(d).size() != 1) throw CannotLower{"an image whose dimension is not one axis"};
    Extent count = r.l.extent(v.dims[d][0]);
    for (std::size_t w = 0; w < r.l.workloads(); ++w) count.values[w] /= times.values[w];
    count.text = fmt::format("{} // {}", in_brackets(count.text), in_brackets(times.text));
    if (count.is(1)) throw CannotLower{"an image that is one place"};
    const auto [kept, part] = r.l.split_axis(v.dims[d][0], count, times);
    v.dims[d] = {kept};
    v.dims[rank - 3].push_back(part);
  }
  r.give(v);
}

void channel_shuffle(const Rule& r) {
  Lowered v = r.x();
  const Extent groups = r.args.extents(1, "groups", 1).at(0);
  if (v.dims.at(1).size() != 1) throw CannotLower{"channels that are not one axis"};
  Extent each = r.l.extent(v.dims[1][0]);
  for (std::size_t w = 0; w < r.l.workloads(); ++w) each.values[w] /= groups.values[w];
  each.text = fmt::format("{} // {}", in_brackets(each.text), in_brackets(groups.text));
  const auto [outer, inner] = r.l.split_axis(v.dims[1][0], groups, each);
  v.dims[1] = {inner, outer};
  r.give(v);
}

}  // namespace kerf
