#include "synthesize/builtin/places.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "synthesize/builtin/shapes.h"
#include "synthesize/builtin/windows.h"

namespace kerf {
namespace {

constexpr std::size_t most_parts = 8;  // that an element is chosen from
constexpr std::int64_t to_the_end = std::numeric_limits<std::int64_t>::max();

bool all(const Extent& extent, const auto& test) { return std::ranges::all_of(extent.values, test); }

// A position along a dimension of `size` elements; those from the end count backwards.
Extent from_start(const Rule& r, const GeneralArgument& argument, const Extent& size) {
  const auto* constant = std::get_if<Constant>(&argument.is);
  if (!constant) throw CannotLower{"a position must be a number"};
  const Extent given = extent_of(*constant);
  Extent made = all(given, [](std::int64_t n) { return n < 0; }) ? size + given : given;
  for (std::size_t w = 0; w < r.l.workloads(); ++w)
    if (made.values[w] < 0 || made.values[w] > size.values[w]) throw CannotLower{"a position outside of its dimension"};
  return made;
}

// What `slice` takes of a dimension: arguments `at` to `at` + 2 are start, end and step.
struct Range {
  Extent begin, step, count;
};

Range range_of(const Rule& r, std::size_t at, const Extent& size) {
  const std::size_t workloads = r.l.workloads();
  Range made{.begin = r.args.none(at, "start") ? literal(0, workloads) : from_start(r, *r.args.get(at, "start"), size),
             .step = r.args.none(at + 2, "step") ? one(workloads) : r.args.extents(at + 2, "step", 1).at(0),
             .count = {}};
  Extent end = size;
  if (!r.args.none(at + 1, "end")) {
    const auto* constant = std::get_if<Constant>(&r.args.get(at + 1, "end")->is);
    if (!constant) throw CannotLower{"a position must be a number"};
    const Extent given = extent_of(*constant);
    if (all(given, [](std::int64_t n) { return n < 0; })) {
      end = size + given;
    } else if (!given.is(to_the_end) && given.values != size.values) {
      end.text = fmt::format("min({}, {})", given.text, size.text);
      for (std::size_t w = 0; w < workloads; ++w) end.values[w] = std::min(given.values[w], size.values[w]);
    }
  }
  made.count = end - made.begin;
  if (!made.step.is(1)) {
    made.count.text = fmt::format("cdiv({}, {})", made.count.text, made.step.text);
    for (std::size_t w = 0; w < workloads; ++w)
      made.count.values[w] = (made.count.values[w] + made.step.values[w] - 1) / made.step.values[w];
  }
  return made;
}

Lowered without_dim(Lowered v, std::size_t d) {
  v.dims.erase(v.dims.begin() + static_cast<std::ptrdiff_t>(d));
  return v;
}

std::vector<Lowered> tensors_at(const Rule& r, std::size_t at, const char* key) {
  std::vector<Lowered> found;
  for (const GeneralArgument& each : list_at(r, at, key)) {
    const auto* ref = std::get_if<TensorRef>(&each.is);
    if (!ref) throw CannotLower{"a tensor was expected"};
    found.push_back(r.l.value(*ref));
    if (r.l.type(found.back()) != Type::f32) throw CannotLower{"only numbers are put side by side"};
  }
  if (found.empty() || found.size() > most_parts) throw CannotLower{"more parts than a choice is made from"};
  return found;
}

// An element that `axis` finds in one of the parts, which follow one another along dimension `d`.
Lowered chosen(const Rule& r, const std::vector<Lowered>& parts, std::size_t d, int axis) {
  const std::size_t workloads = r.l.workloads(), rank = parts[0].dims.size();
  std::vector<Extent> begin = {literal(0, workloads)};
  for (const Lowered& each : parts) begin.push_back(begin.back() + extent_of(r, each.dims.at(d)));
  if (begin.back().values != r.l.extent(axis).values) throw CannotLower{"parts of other sizes"};
  const Lowered at = r.l.index(axis, d, rank);
  Lowered made;
  for (std::size_t k = parts.size(); k-- > 0;) {
    Lowered here = parts[k];
    if (here.dims[d].size() > 1) throw CannotLower{"a part whose dimension is not one axis"};
    if (!here.dims[d].empty()) {
      const WindowStep moved{.dim = d,
                             .out = axis,
                             .inside = -1,
                             .step = one(workloads),
                             .apart = one(workloads),
                             .shift = literal(0, workloads) - begin[k],
                             .limit = r.l.extent(here.dims[d][0]),
                             .below = k > 0,
                             .above = k + 1 < parts.size()};
      here = r.l.moved(here, {moved}, 0);
    }
    made = made.value < 0 ? here : r.where(r.f(Op::lt, at, r.l.number(begin[k + 1])), here, made);
  }
  return made;
}

std::string text_at(const Rule& r, std::size_t at, const char* key) {
  const GeneralArgument* argument = r.args.get(at, key);
  const auto* constant = argument ? std::get_if<Constant>(&argument->is) : nullptr;
  const auto* text = constant ? std::get_if<std::string>(&constant->values[0].is) : nullptr;
  if (!text) throw CannotLower{"a word was expected"};
  return *text;
}

// Borders of what is there: of each position the element that it stands for.
Lowered padded_with_elements(const Rule& r, Lowered v, const std::string& mode) {
  const GeneralArgumentList& given = list_at(r, 1, "pad");
  if (given.size() % 2 != 0 || given.size() / 2 > v.dims.size()) throw CannotLower{"this padding"};
  for (std::size_t k = 0; k < given.size() / 2; ++k) {
    const auto *before = std::get_if<Constant>(&given[2 * k].is), *behind = std::get_if<Constant>(&given[2 * k + 1].is);
    if (!before || !behind) throw CannotLower{"this padding"};
    const Extent left = extent_of(*before), right = extent_of(*behind);
    if (left.is(0) && right.is(0)) continue;
    const std::size_t d = v.dims.size() - 1 - k;
    const Extent size = extent_of(r, v.dims[d]), total = left + size + right;
    expect_size(r, 0, d, total);
    if (v.dims[d].size() != 1 || total.is(1)) throw CannotLower{"this padding"};
    const Lowered at = r.f(Op::sub, r.l.index(r.l.window_axis("o", total, false), d, v.dims.size()), r.l.number(left));
    const Lowered last = r.l.number(size - one(r.l.workloads())), none = r.l.constant(0);
    Lowered index;
    if (mode == "replicate") {
      index = r.clamp(at, &none, &last);
    } else if (mode == "reflect") {
      index = r.f(Op::sub, last, r.f(Op::abs, r.f(Op::sub, last, r.f(Op::abs, at))));
    } else if (mode == "circular") {
      const Lowered count = r.l.number(size);
      index = r.where(r.f(Op::lt, at, 0), r.f(Op::add, at, count),
                      r.where(r.f(Op::gt, at, last), r.f(Op::sub, at, count), at));
    } else {
      throw CannotLower{"this padding"};
    }
    v = r.l.pick(v, static_cast<int>(d), index);
  }
  return v;
}

}  // namespace

Lowered part(const Rule& r, const Lowered& v, std::size_t d, const Extent& begin, const Extent& step,
             const Extent& count) {
  if (v.dims.at(d).empty() || (begin.is(0) && step.is(1) && count.values == extent_of(r, v.dims[d]).values)) return v;
  if (v.dims[d].size() != 1) throw CannotLower{"a part of a dimension that is not one axis"};
  const WindowStep moved{.dim = d,
                         .out = count.is(1) ? -1 : r.l.window_axis("o", count, false),
                         .inside = -1,
                         .step = step,
                         .apart = one(r.l.workloads()),
                         .shift = begin,
                         .limit = r.l.extent(v.dims[d][0])};
  return r.l.moved(v, {moved}, 0);
}

TensorRef storage_of(const GeneralGraph& graph, TensorRef ref) {
  for (;;) {
    const GeneralNode* node = graph.node(ref.name);
    const auto* before = node && node->op == appended_operator ? std::get_if<TensorRef>(&node->args.at(0).is) : nullptr;
    if (before == nullptr) return ref;
    ref = *before;
  }
}

void append(const Rule& r) {
  const Lowered part = r.args.tensor(1);
  const std::size_t d = dim_of(r, 2, "dim", 0, part.dims.size());
  if (r.l.type(part) != Type::f32) throw CannotLower{"only numbers are put side by side"};
  const auto* begin = std::get_if<Constant>(&r.args.get(3, "begin")->is);
  if (!begin) throw CannotLower{"a position must be a number"};
  r.l.place_in_part(r.node.name, {.dim = d, .begin = extent_of(*begin)});
  r.give(part);
}

void slice(const Rule& r) {
  const Lowered v = r.x();
  const std::size_t d = dim_of(r, 1, "dim", 0, v.dims.size());
  const Extent size = extent_of(r, v.dims[d]);
  Range range;
  if (r.node.base() == "narrow") {
    range = {.begin = from_start(r, *r.args.get(2, "start"), size),
             .step = one(r.l.workloads()),
             .count = r.args.extents(3, "length", 1).at(0)};
  } else {
    range = range_of(r, 2, size);
  }
  expect_size(r, 0, d, range.count);
  r.give(part(r, v, d, range.begin, range.step, range.count));
}

void select_one(const Rule& r) {
  const Lowered v = r.x();
  const std::size_t d = dim_of(r, 1, "dim", 0, v.dims.size());
  const GeneralArgument* index = r.args.get(2, "index");
  if (!index) throw CannotLower{"a position was expected"};
  const Extent at = from_start(r, *index, extent_of(r, v.dims[d]));
  r.give(without_dim(part(r, v, d, at, one(r.l.workloads()), one(r.l.workloads())), d));
}

void part_replaced(const Rule& r) {
  const bool selects = r.node.base() == "select_scatter";
  const Lowered v = r.x();
  Lowered other = r.args.tensor(1, "src");
  const std::size_t rank = v.dims.size(), d = dim_of(r, 2, "dim", 0, rank);
  const Extent size = extent_of(r, v.dims[d]), single = one(r.l.workloads());
  Range range{.begin = {}, .step = single, .count = single};
  if (selects) {
    range.begin = from_start(r, *r.args.get(3, "index"), size);
    other.dims.insert(other.dims.begin() + static_cast<std::ptrdiff_t>(d), std::vector<int>());
  } else {
    range = range_of(r, 3, size);
  }
  if (r.l.type(v) != Type::f32 || r.l.type(other) != Type::f32) throw CannotLower{"only numbers are put into others"};
  if (other.dims.size() != rank || extent_of(r, other.dims[d]).values != range.count.values || !range.step.is(1))
    throw CannotLower{"a part in steps, or of another size"};
  if (range.count.values == size.values) return r.give(other);
  if (v.dims[d].size() != 1 || other.dims[d].size() > 1)
    throw CannotLower{"a part of a dimension that is not one axis"};
  const int axis = v.dims[d][0];
  const Lowered at = r.l.index(axis, d, rank);
  const Extent end = range.begin + range.count;
  Lowered is_there = r.f(Op::eq, at, r.l.number(range.begin));
  if (!other.dims[d].empty()) {
    is_there = r.f(Op::logical_and, r.f(Op::ge, at, r.l.number(range.begin)), r.f(Op::lt, at, r.l.number(end)));
    const WindowStep moved{.dim = d,
                           .out = axis,
                           .inside = -1,
                           .step = single,
                           .apart = single,
                           .shift = literal(0, r.l.workloads()) - range.begin,
                           .limit = range.count,
                           .below = !range.begin.is(0),
                           .above = end.values != size.values};
    other = r.l.moved(other, {moved}, 0);
  }
  r.give(r.where(is_there, other, v));
}

void split(const Rule& r) {
  const Lowered v = r.x();
  const std::size_t d = dim_of(r, 2, "dim", 0, v.dims.size()), workloads = r.l.workloads();
  const Extent size = extent_of(r, v.dims[d]);
  const std::size_t count = r.node.results.size();
  std::vector<Extent> given = r.args.extents(1, "split_size", count);
  if (r.node.base() == "chunk") {
    Extent each{.text = fmt::format("cdiv({}, {})", size.text, given.at(0).text), .values = {}};
    for (std::size_t w = 0; w < workloads; ++w)
      each.values.push_back((size.values[w] + given[0].values[w] - 1) / given[0].values[w]);
    given.assign(count, each);
  }
  if (given.size() != count) throw CannotLower{"parts of another number"};
  Extent begin = literal(0, workloads);
  for (std::size_t k = 0; k < count; ++k) {
    const bool last = k + 1 == count;
    const Extent here = last && given[k].values != sizes_of(r, k, d) ? size - begin : given[k];
    expect_size(r, k, d, here);
    r.give(part(r, v, d, begin, one(workloads), here), static_cast<int>(k));
    begin = begin + given[k];
  }
}

void unbind(const Rule& r) {
  const Lowered v = r.x();
  const std::size_t d = dim_of(r, 1, "dim", 0, v.dims.size()), workloads = r.l.workloads();
  r.l.pin(extent_of(r, v.dims[d]));
  for (std::size_t k = 0; k < r.node.results.size(); ++k)
    r.give(
        without_dim(part(r, v, d, literal(static_cast<std::int64_t>(k), workloads), one(workloads), one(workloads)), d),
        static_cast<int>(k));
}

void concatenate(const Rule& r) {
  const std::vector<Lowered> parts = tensors_at(r, 0, "tensors");
  if (parts.size() == 1) return r.give(parts[0]);
  const std::size_t d = dim_of(r, 1, "dim", 0, parts[0].dims.size());
  Extent total = literal(0, r.l.workloads());
  for (const Lowered& each : parts) {
    if (each.dims.size() != parts[0].dims.size()) throw CannotLower{"parts of other ranks"};
    total = total + extent_of(r, each.dims.at(d));
  }
  expect_size(r, 0, d, total);
  r.give(chosen(r, parts, d, r.l.window_axis("o", total, false)));
}

void stack(const Rule& r) {
  std::vector<Lowered> parts = tensors_at(r, 0, "tensors");
  const std::size_t d = dim_of(r, 1, "dim", 0, parts[0].dims.size() + 1);
  for (Lowered& each : parts) each.dims.insert(each.dims.begin() + static_cast<std::ptrdiff_t>(d), std::vector<int>());
  if (parts.size() == 1) return r.give(parts[0]);
  const Extent total = literal(static_cast<std::int64_t>(parts.size()), r.l.workloads());
  expect_size(r, 0, d, total);
  r.give(chosen(r, parts, d, r.l.window_axis("o", total, false)));
}

void roll(const Rule& r) {
  Lowered v = r.x();
  const auto* given = r.args.get(2, "dims");
  const auto* list = given ? std::get_if<GeneralArgumentList>(&given->is) : nullptr;
  if (list && list->empty()) throw CannotLower{"all elements are rolled as one row"};
  const std::vector<int> dims = r.args.dims(2, "dims", v);
  const std::vector<Extent> shifts = r.args.extents(1, "shifts", dims.size());
  for (std::size_t k = 0; k < dims.size(); ++k) {
    const auto d = static_cast<std::size_t>(dims[k] < 0 ? dims[k] + static_cast<int>(v.dims.size()) : dims[k]);
    if (v.dims.at(d).empty()) continue;
    const Extent size = extent_of(r, v.dims[d]);
    Extent begin = shifts.at(k);  // of what comes first again, from the end
    if (all(begin, [](std::int64_t n) { return n < 0; })) begin = size + begin;
    for (std::size_t w = 0; w < r.l.workloads(); ++w)
      if (begin.values[w] <= 0 || begin.values[w] >= size.values[w]) throw CannotLower{"rolled further than round"};
    const Lowered last = part(r, v, d, size - begin, one(r.l.workloads()), begin);
    const Lowered first = part(r, v, d, literal(0, r.l.workloads()), one(r.l.workloads()), size - begin);
    v = chosen(r, {last, first}, d, r.l.window_axis("o", size, false));
  }
  r.give(v);
}

void pad(const Rule& r) {
  Lowered v = r.x();
  const bool constant = r.node.base() != "pad" || r.args.none(2, "mode");
  const std::string mode = constant ? "constant" : text_at(r, 2, "mode");
  if (mode != "constant") return r.give(padded_with_elements(r, v, mode));
  const std::size_t value_at = r.node.base() == "pad" ? 3 : 2;
  if (r.l.type(v) != Type::f32) throw CannotLower{"a padding of anything but f32"};
  const auto value = r.args.none(value_at, "value") ? 0 : r.args.fixed(value_at, "value");
  if (!value) throw CannotLower{"a padding whose value differs between workloads"};
  const GeneralArgumentList& given = list_at(r, 1, "pad");
  if (given.size() % 2 != 0 || given.size() / 2 > v.dims.size()) throw CannotLower{"this padding"};
  std::vector<WindowStep> steps;
  for (std::size_t k = 0; k < given.size() / 2; ++k) {
    const auto *before = std::get_if<Constant>(&given[2 * k].is), *behind = std::get_if<Constant>(&given[2 * k + 1].is);
    if (!before || !behind) throw CannotLower{"this padding"};
    const Extent left = extent_of(*before), right = extent_of(*behind);
    if (left.is(0) && right.is(0)) continue;
    const std::size_t d = v.dims.size() - 1 - k;
    const Extent size = extent_of(r, v.dims[d]), total = left + size + right;
    expect_size(r, 0, d, total);
    const auto some = [](std::int64_t n) { return n > 0; };
    const int axis = total.is(1) ? -1 : r.l.window_axis("o", total, false);
    if (v.dims[d].empty()) {
      const bool inside = axis >= 0 && all(left, [](std::int64_t n) { return n >= 0; });
      if (!inside) throw CannotLower{"this padding"};
      v = r.where(r.f(Op::eq, r.l.index(axis, d, v.dims.size()), r.l.number(left)), v, r.l.constant(*value));
      continue;
    }
    steps.push_back({.dim = d,
                     .out = axis,
                     .inside = -1,
                     .step = one(r.l.workloads()),
                     .apart = one(r.l.workloads()),
                     .shift = literal(0, r.l.workloads()) - left,
                     .limit = size,
                     .below = std::ranges::any_of(left.values, some),
                     .above = std::ranges::any_of(right.values, some)});
  }
  r.give(steps.empty() ? v : r.l.window(v, steps, *value));
}

void gated(const Rule& r) {
  const Lowered v = r.x();
  const std::size_t d = dim_of(r, 1, "dim", -1, v.dims.size()), workloads = r.l.workloads();
  const Extent size = extent_of(r, v.dims[d]);
  Extent half{.text = fmt::format("{} // 2", in_brackets(size.text)), .values = size.values};
  for (std::int64_t& n : half.values) n /= 2;
  expect_size(r, 0, d, half);
  const Lowered first = part(r, v, d, literal(0, workloads), one(workloads), half),
                second = part(r, v, d, half, one(workloads), half);
  r.give(r.f(Op::mul, first, r.f(Op::sigmoid, second)));
}

}  // namespace kerf
