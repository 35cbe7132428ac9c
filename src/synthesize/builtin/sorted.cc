// Rows of few elements in order: a network of exchanges, written out (Batcher's odd-even merge sort).
#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "synthesize/builtin/places.h"
#include "synthesize/builtin/shapes.h"

namespace kerf {
namespace {

constexpr std::int64_t most_sorted = 16, most_with_positions = 8;

struct Element {
  Lowered value, place;
  bool is_moved = false;  // otherwise its place is a number
};

struct Order {
  bool descending = false;
  bool with_places = false;  // equal elements stay in the order of these
};

// NaN is beyond every number.
Lowered is_beyond(const Rule& r, const Lowered& a, const Lowered& b) {
  return r.f(Op::logical_or, r.f(Op::gt, a, b), r.f(Op::logical_and, r.f(Op::ne, a, a), r.f(Op::eq, b, b)));
}

void exchange(const Rule& r, Element& a, Element& b, Order order) {
  const Lowered &low = order.descending ? b.value : a.value, &high = order.descending ? a.value : b.value;
  Lowered is_wrong = is_beyond(r, low, high);
  if (order.with_places) {
    if (a.is_moved || b.is_moved) {
      const Lowered is_right = is_beyond(r, high, low), is_later = r.f(Op::gt, a.place, b.place);
      is_wrong = r.f(Op::logical_or, is_wrong, r.f(Op::logical_and, r.f(Op::logical_not, is_right), is_later));
    }
    const Lowered place = r.where(is_wrong, b.place, a.place);
    b.place = r.where(is_wrong, a.place, b.place);
    a.place = place;
  }
  const Lowered value = r.where(is_wrong, b.value, a.value);
  b.value = r.where(is_wrong, a.value, b.value);
  a.value = value;
  a.is_moved = b.is_moved = true;
}

// Merges of sorted runs of `run`, in steps of which each exchanges what is `apart`.
void sort(const Rule& r, std::vector<Element>& row, Order order) {
  const std::size_t n = row.size();
  for (std::size_t run = 1; run < n; run *= 2)
    for (std::size_t apart = run; apart > 0; apart /= 2)
      for (std::size_t block = apart % run; block + apart < n; block += 2 * apart)
        for (std::size_t i = block; i < std::min(block + apart, n - apart); ++i)
          if (i / (2 * run) == (i + apart) / (2 * run)) exchange(r, row[i], row[i + apart], order);
}

std::vector<Element> sorted(const Rule& r, const Lowered& v, std::size_t d, Order order) {
  const Extent length = extent_of(r, v.dims[d]), single = one(r.l.workloads());
  const std::int64_t most = order.with_places ? most_with_positions : most_sorted;
  if (r.l.type(v) != Type::f32 || length.is(1) ||
      std::ranges::any_of(length.values, [&](std::int64_t n) { return n > most; }))
    throw CannotLower{"rows that are not sorted in a line"};
  r.l.pin(length);
  std::vector<Element> row;
  for (std::int64_t k = 0; k < length.values[0]; ++k)
    row.push_back({.value = part(r, v, d, literal(k, r.l.workloads()), single, single),
                   .place = r.l.constant(static_cast<double>(k))});
  sort(r, row, order);
  return row;
}

}  // namespace

void sorted_rows(const Rule& r) {
  const Lowered v = r.x();
  const std::string base = r.node.base();
  const std::size_t d = base == "msort" ? 0 : dim_of(r, 1, "dim", -1, v.dims.size());
  const bool positions_alone = base == "argsort", stable = r.node.overload() == "stable";
  const Order order{.descending = base != "msort" && r.args.flag(2, "descending", false),
                    .with_places = positions_alone || (base == "sort" && r.l.is_used({r.node.name, 1}))};
  if (order.with_places && !(stable && r.args.flag(99, "stable", false)))
    throw CannotLower{"positions in an order that is open where elements are equal"};
  std::vector<Lowered> values, places;
  for (Element& each : sorted(r, v, d, order)) {
    values.push_back(std::move(each.value));
    places.push_back(std::move(each.place));
  }
  if (positions_alone) return r.l.bind_side_by_side({r.node.name, 0}, d, std::move(places));
  r.l.bind_side_by_side({r.node.name, 0}, d, std::move(values));
  if (order.with_places) r.l.bind_side_by_side({r.node.name, 1}, d, std::move(places));
}

void one_of_sorted(const Rule& r) {
  const bool median = r.node.base() == "median";
  if (median && r.node.overload() != "dim") throw CannotLower{"a median of all elements"};
  if (r.l.is_used({r.node.name, 1})) throw CannotLower{"positions in an order that is open where elements are equal"};
  const Lowered v = r.x();
  const std::size_t d = dim_of(r, median ? 1 : 2, "dim", -1, v.dims.size());
  const std::vector<Element> row = sorted(r, v, d, {});
  const auto k = median ? (row.size() - 1) / 2 : static_cast<std::size_t>(r.args.dim(1, "k")) - 1;
  if (k >= row.size()) throw CannotLower{"an element behind the last"};
  const Lowered &last = row.back().value, &value = row[k].value;
  const Lowered made = median ? r.where(r.f(Op::ne, last, last), last, value) : value;
  r.give(r.l.remove_dims(made, {static_cast<int>(d)}, r.args.flag(median ? 2 : 3, "keepdim", false)));
}

}  // namespace kerf
