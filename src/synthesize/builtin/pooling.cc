#include "synthesize/builtin/pooling.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "synthesize/builtin/windows.h"

namespace kerf {
namespace {

constexpr std::int64_t most_taps = 32;  // of a window that is written out
constexpr std::size_t most_loads = 64;  // of windows that are written out within windows

bool any(const Extent& extent, const auto& test) { return std::ranges::any_of(extent.values, test); }

// The last `rank` dimensions of what is pooled, with the extents that the node's result has.
std::vector<Windowed> dimensions(const Rule& r, const Lowered& v, std::size_t rank) {
  if (v.dims.size() < rank) throw CannotLower{"a pooling of fewer dimensions"};
  std::vector<Windowed> found;
  const GeneralTensor& result = r.node.results.at(0);
  for (std::size_t k = 0; k < rank; ++k) {
    const std::size_t d = v.dims.size() - rank + k;
    if (v.dims[d].size() != 1) throw CannotLower{"windows over a dimension that is not one axis"};
    Windowed each{.dim = d, .in = r.l.extent(v.dims[d][0])};
    for (const auto& shape : result.shape) each.out.values.push_back(shape.at(d));
    found.push_back(std::move(each));
  }
  return found;
}

// Kernel, stride, padding and dilation from the arguments; output sizes by ATen's formula.
std::vector<Windowed> windows(const Rule& r, const Lowered& v, std::size_t rank, std::size_t dilation_at,
                              std::size_t ceil_at) {
  std::vector<Windowed> found = dimensions(r, v, rank);
  const std::vector<Extent> kernel = r.args.extents(1, "kernel_size", rank), stride = r.args.extents(2, "stride", rank),
                            padding = r.args.extents(3, "padding", rank);
  std::vector<Extent> dilation;
  if (dilation_at != 0) dilation = r.args.extents(dilation_at, "dilation", rank);
  if (kernel.empty()) throw CannotLower{"a pooling without a kernel"};
  const std::size_t workloads = r.l.workloads();
  for (std::size_t k = 0; k < rank; ++k) {
    Windowed& p = found[k];
    p.kernel = kernel[k];
    p.stride = stride.empty() ? kernel[k] : stride[k];
    p.padding = padding.empty() ? literal(0, workloads) : padding[k];
    p.dilation = dilation.empty() ? one(workloads) : dilation[k];
    p.ceil = r.args.flag(ceil_at, "ceil_mode", false);
    size_windows(p);
  }
  return found;
}

bool holds_all(const Windowed& p) { return p.kernel.values == p.in.values && p.out.is(1) && p.padding.is(0); }

// The maximum or the sum over each window.
Lowered pooled(const Rule& r, const Lowered& v, const std::vector<Windowed>& all, bool max) {
  const ReduceOp op = max ? ReduceOp::max : ReduceOp::sum;
  const std::size_t workloads = r.l.workloads();
  if (std::ranges::all_of(all, holds_all)) {
    std::vector<int> axes;
    for (const Windowed& p : all) axes.push_back(v.dims[p.dim][0]);
    return r.l.reduce(op, v, axes);
  }
  std::int64_t taps = 1;
  bool overlap = false;
  std::vector<WindowStep> steps;
  for (const Windowed& p : all) {
    taps *= p.kernel.values[0];
    for (std::size_t w = 0; w < workloads; ++w) overlap = overlap || p.kernel.values[w] > p.stride.values[w];
    steps.push_back(window_step(r.l, p));
  }
  if (r.l.loads(v) * static_cast<std::size_t>(taps) > most_loads) throw CannotLower{"windows of windows"};
  if (overlap && r.l.is_costly(v)) throw CannotLower{"windows that overlap, of what costs much to compute"};
  const double outside = max ? -std::numeric_limits<double>::infinity() : 0;
  if (taps > most_taps) {
    std::vector<int> axes;
    for (std::size_t k = 0; k < all.size(); ++k) {
      if (all[k].kernel.is(1)) continue;
      steps[k].inside = r.l.window_axis("w", all[k].kernel, true);
      axes.push_back(steps[k].inside);
    }
    return r.l.reduce(op, r.l.window(v, steps, outside), axes);
  }
  for (const Windowed& p : all) r.l.pin(p.kernel);
  Lowered total;
  for (std::int64_t tap = 0; tap < taps; ++tap) {
    move_to_tap(steps, all, tap);
    const Lowered term = r.l.window(v, steps, outside);
    total = tap == 0 ? term : r.f(max ? Op::maximum : Op::add, total, term);
  }
  return total;
}

// The largest element of each window, and where it is, counted from the first of the dimensions that are pooled: the
// first of several, the last that is NaN.
void largest_of_windows(const Rule& r, const Lowered& v, const std::vector<Windowed>& all) {
  std::int64_t taps = 1;
  std::vector<WindowStep> steps;
  Extent elements = one(r.l.workloads());
  for (const Windowed& p : all) {
    taps *= p.kernel.values[0];
    elements = elements * p.in;
    steps.push_back(window_step(r.l, p));
    const bool padded = any(p.padding, [](std::int64_t n) { return n > 0; });
    if (padded && !p.dilation.is(1)) throw CannotLower{"positions of windows with gaps that begin before the input"};
  }
  if (taps > most_taps || r.l.loads(v) * static_cast<std::size_t>(taps) > most_loads)
    throw CannotLower{"positions in large windows"};
  if (any(elements, [](std::int64_t n) { return n >> 24 != 0; }))
    throw CannotLower{"positions that floats cannot tell apart"};
  const std::size_t rank = v.dims.size();
  const auto place = [&](bool first) {
    Lowered at;
    for (std::size_t k = 0; k < all.size(); ++k) {
      Lowered along = r.l.position(steps[k], rank);
      if (first && steps[k].below) along = r.f(Op::maximum, along, 0);
      at = k == 0 ? along : r.f(Op::add, r.f(Op::mul, at, r.l.number(all[k].in)), along);
    }
    return at;
  };
  Lowered top, at;
  for (std::int64_t tap = 0; tap < taps; ++tap) {
    move_to_tap(steps, all, tap);
    const Lowered term = r.l.window(v, steps, -std::numeric_limits<double>::infinity());
    if (tap == 0) {
      top = term;
      at = place(true);
      continue;
    }
    const Lowered better = r.f(Op::logical_or, r.f(Op::gt, term, top), r.f(Op::ne, term, term));
    at = r.where(better, place(false), at);
    top = r.where(better, term, top);
  }
  for (const Windowed& p : all) r.l.pin(p.kernel);
  r.give(top);
  r.give(at, 1);
}

// floor(n / d) of whole numbers: half a step up, so that no rounding leads beyond the next one.
Lowered whole_quotient(const Rule& r, const Lowered& n, const Lowered& d) {
  return r.f(Op::floor, r.f(Op::div, r.f(Op::add, n, 0.5), d));
}

// Windows of different sizes along dimension `d`: window i goes from i * in / out, rounded down, to (i + 1) * in / out,
// rounded up. Each element is read where it is, or counts as `neutral`.
Lowered uneven(const Rule& r, const Lowered& v, const Windowed& p, bool max, Lowered& counts) {
  const std::size_t workloads = r.l.workloads(), rank = v.dims.size();
  Extent longest{.text = fmt::format("cdiv({}, {})", p.in.text, p.out.text), .values = {}};
  for (std::size_t w = 0; w < workloads; ++w) {
    if (p.in.values[w] * (p.out.values[w] + 1) >> 20 != 0) throw CannotLower{"windows that floats cannot tell apart"};
    longest.values.push_back((p.in.values[w] + p.out.values[w] - 1) / p.out.values[w]);
  }
  r.l.pin(longest);
  const std::int64_t taps = longest.values[0] + 1;
  if (p.out.is(1) || r.l.loads(v) * static_cast<std::size_t>(taps) > most_loads)
    throw CannotLower{"windows of different sizes"};
  const Lowered at = r.l.index(r.l.window_axis("o", p.out, false), p.dim, rank);
  const Lowered in = r.l.number(p.in), out = r.l.number(p.out), last = r.l.number(p.in - one(workloads));
  const Lowered begin = whole_quotient(r, r.f(Op::mul, at, in), out);
  const Lowered end =
      whole_quotient(r, r.f(Op::add, r.f(Op::mul, r.f(Op::add, at, 1), in), r.l.number(p.out - one(workloads))), out);
  const Lowered neutral = r.l.constant(max ? -std::numeric_limits<double>::infinity() : 0);
  Lowered total;
  for (std::int64_t tap = 0; tap < taps; ++tap) {
    const Lowered place = r.f(Op::add, begin, static_cast<double>(tap));
    const Lowered there = r.l.pick(v, static_cast<int>(p.dim), r.f(Op::minimum, place, last));
    const Lowered term = r.where(r.f(Op::lt, place, end), there, neutral);
    total = tap == 0 ? term : r.f(max ? Op::maximum : Op::add, total, term);
  }
  const Lowered count = r.f(Op::sub, end, begin);
  counts = counts.value < 0 ? count : r.f(Op::mul, counts, count);
  return total;
}

// One dimension after the other.
void uneven_pool(const Rule& r, Lowered v, const std::vector<Windowed>& all, bool max) {
  if (r.node.results.size() > 1 && r.l.is_used({r.node.name, 1})) throw CannotLower{"windows of different sizes"};
  if (r.l.is_costly(v)) throw CannotLower{"windows that overlap, of what costs much to compute"};
  Lowered counts;
  for (const Windowed& p : all)
    if (p.in.values != p.out.values) v = uneven(r, v, p, max, counts);
  r.give(max || counts.value < 0 ? v : r.f(Op::div, v, counts));
}

}  // namespace

void max_pool(const Rule& r, std::size_t rank) {
  const Lowered v = r.x();
  const std::vector<Windowed> all = windows(r, v, rank, 4, 5);
  if (r.l.is_used({r.node.name, 1})) return largest_of_windows(r, v, all);
  r.give(pooled(r, v, all, true));
}

void average_pool(const Rule& r, std::size_t rank) {
  const Lowered v = r.x();
  const std::vector<Windowed> all = windows(r, v, rank, 0, 4);
  const Lowered total = pooled(r, v, all, false);
  if (!r.args.none(6, "divisor_override")) return r.give(r.f(Op::div, total, r.l.number(*r.args.get(6, ""))));
  const bool padded = r.args.flag(5, "count_include_pad", true);
  const std::size_t workloads = r.l.workloads();
  Extent whole = one(workloads);
  Lowered partial;
  for (const Windowed& p : all) {
    if (!p.ceil && (padded || p.padding.is(0))) {
      whole = whole * p.kernel;
      continue;
    }
    // From the first element that counts to behind the last.
    const std::size_t ranks = total.dims.size();
    const WindowStep step{.dim = p.dim,
                          .out = total.dims.at(p.dim).empty() ? -1 : total.dims[p.dim][0],
                          .step = p.stride,
                          .apart = p.dilation,
                          .shift = literal(0, workloads) - p.padding,
                          .limit = p.in};
    const Lowered begin = r.l.position(step, ranks);
    const Lowered end =
        r.f(Op::minimum, r.f(Op::add, begin, r.l.number(p.kernel)), r.l.number(padded ? p.in + p.padding : p.in));
    const Lowered count = r.f(Op::sub, end, padded ? begin : r.f(Op::maximum, begin, 0));
    partial = partial.value < 0 ? count : r.f(Op::mul, partial, count);
  }
  Lowered result = whole.is(1) ? total : r.f(Op::div, total, r.l.number(whole));
  if (partial.value >= 0) result = r.f(Op::div, result, partial);
  r.give(result);
}

void adaptive_pool(const Rule& r, std::size_t rank, bool max) {
  const Lowered v = r.x();
  std::vector<Windowed> all = dimensions(r, v, rank);
  const std::size_t workloads = r.l.workloads();
  Extent whole = one(workloads);
  bool is_even = true;
  for (std::size_t k = 0; k < rank; ++k) {
    Windowed& p = all[k];
    p.kernel.values.clear();
    if (!p.out.is(p.out.values[0])) throw CannotLower{"a number of windows that differs between workloads"};
    p.out.text = std::to_string(p.out.values[0]);
    for (std::size_t w = 0; w < workloads; ++w) {
      is_even = is_even && p.in.values[w] % p.out.values[w] == 0;
      p.kernel.values.push_back(p.in.values[w] / p.out.values[w]);
    }
    p.kernel.text = p.out.is(1) ? p.in.text : fmt::format("{} // {}", in_brackets(p.in.text), p.out.text);
    p.stride = p.kernel;
    p.padding = literal(0, workloads);
    p.dilation = one(workloads);
    whole = whole * p.kernel;
  }
  if (!is_even) return uneven_pool(r, v, all, max);
  if (max && r.l.is_used({r.node.name, 1})) return largest_of_windows(r, v, all);
  const Lowered total = pooled(r, v, all, max);
  r.give(max ? total : r.f(Op::div, total, r.l.number(whole)));
}

}  // namespace kerf
