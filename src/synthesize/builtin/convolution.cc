// Convolutions as sums of products over windows.
#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "synthesize/builtin/products.h"
#include "synthesize/builtin/windows.h"

namespace kerf {
namespace {

constexpr std::int64_t most_taps = 32;  // of a window that is written out

// Channels of input or output, in groups: the group's axis and the one within it, where they have more than one
// element.
struct Channels {
  std::vector<int> group, within;
};

Channels in_groups(const Rule& r, const std::vector<int>& dim, const Extent& groups, const Extent& within) {
  if (groups.is(1)) return {.group = {}, .within = dim};
  if (dim.size() != 1) throw CannotLower{"groups of channels that are not one axis"};
  if (within.is(1)) return {.group = dim, .within = {}};
  const auto [outer, inner] = r.l.split_axis(dim[0], groups, within);
  return {.group = {outer}, .within = {inner}};
}

std::vector<int> joined(std::vector<int> a, const std::vector<int>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// Sizes of a transposed convolution, which gathers: only where each step of the result is one of the input.
void turn_windows(Windowed& p, std::size_t workloads) {
  if (!p.stride.is(1)) throw CannotLower{"a transposed convolution in steps"};
  // What is added to the result's end changes its size alone.
  p.out.text =
      fmt::format("{}", (p.in + p.dilation * (p.kernel - one(workloads)) - literal(2, workloads) * p.padding).text);
  for (std::size_t w = 0; w < workloads; ++w)
    if (p.out.values[w] != p.in.values[w] + p.dilation.values[w] * (p.kernel.values[w] - 1) - 2 * p.padding.values[w])
      throw CannotLower{"a transposed convolution of another size than its formula gives"};
}

}  // namespace

void convolution(const Rule& r, std::size_t rank, ConvolutionForm form) {
  if (r.node.overload() == "padding") throw CannotLower{"a convolution whose padding is a word"};
  const bool general = form == ConvolutionForm::general;
  const bool transposed = form == ConvolutionForm::transposed || (general && r.args.flag(6, "transposed", false));
  const Lowered x = r.x(), weight = r.args.tensor(1, "weight");
  if (rank == 0) rank = x.dims.size() - 2;
  if (x.dims.size() != rank + 2 || weight.dims.size() != rank + 2) throw CannotLower{"a convolution without a batch"};
  const std::size_t workloads = r.l.workloads();
  const std::vector<Extent> stride = r.args.extents(3, "stride", rank), padding = r.args.extents(4, "padding", rank),
                            dilation = r.args.extents(form == ConvolutionForm::transposed ? 7 : 5, "dilation", rank),
                            groups_given = r.args.extents(general ? 8 : 6, "groups", 1);
  const Extent groups = groups_given.empty() ? one(workloads) : groups_given[0];
  const auto extent_of = [&](const std::vector<int>& dim) {
    Extent made = one(workloads);
    for (const int axis : dim) made = made * r.l.extent(axis);
    return made;
  };
  // A weight has all channels of one side first, those of a group of the other behind: of the result, or transposed.
  const auto shared_out = [&](const Extent& all) {
    Extent part{.text = fmt::format("{} // {}", in_brackets(all.text), in_brackets(groups.text)), .values = all.values};
    for (std::size_t w = 0; w < workloads; ++w) {
      if (groups.values[w] <= 0 || all.values[w] % groups.values[w] != 0) throw CannotLower{"groups of other channels"};
      part.values[w] /= groups.values[w];
    }
    return groups.is(1) ? all : part;
  };
  const Extent first = shared_out(extent_of(weight.dims[0])), second = extent_of(weight.dims[1]);
  const Extent within = transposed ? first : second, out_within = transposed ? second : first;
  if (shared_out(extent_of(x.dims[1])).values != within.values) throw CannotLower{"groups of other channels"};

  std::vector<Windowed> windows;
  std::vector<WindowStep> steps;
  std::int64_t taps = 1;
  bool overlap = false;
  for (std::size_t k = 0; k < rank; ++k) {
    if (x.dims[k + 2].size() != 1) throw CannotLower{"windows over a dimension that is not one axis"};
    Windowed each{.dim = k + 2,
                  .in = r.l.extent(x.dims[k + 2][0]),
                  .out = {},
                  .kernel = extent_of(weight.dims[k + 2]),
                  .stride = stride.empty() ? one(workloads) : stride[k],
                  .padding = padding.empty() ? literal(0, workloads) : padding[k],
                  .dilation = dilation.empty() ? one(workloads) : dilation[k]};
    for (const auto& shape : r.node.results.at(0).shape) each.out.values.push_back(shape.at(k + 2));
    if (transposed) {
      turn_windows(each, workloads);
    } else {
      size_windows(each);
    }
    taps *= each.kernel.values[0];
    for (std::size_t w = 0; w < workloads; ++w) overlap = overlap || each.kernel.values[w] > each.stride.values[w];
    steps.push_back(window_step(r.l, each));
    if (transposed) {  // the element that reaches a result through a window's element: from the last to the first
      steps.back().shift = each.padding;
      steps.back().apart = literal(0, workloads) - each.dilation;
      steps.back().below = steps.back().above = true;
    }
    windows.push_back(std::move(each));
  }
  const bool product = !out_within.is(1);  // several results need an input: each is loaded, and computed, again
  if (((overlap || product) && !r.l.may_be_repeated(x)) || (product && !r.l.may_be_repeated(weight)))
    throw CannotLower{"a convolution of what costs much to compute"};

  const Channels in = in_groups(r, x.dims[1], groups, within);
  const Channels first_of_weight = in_groups(r, weight.dims[0], groups, first);
  const std::vector<int>& out_axes = transposed ? weight.dims[1] : first_of_weight.within;
  // Dimensions: batch, group, channel of the result, positions, channel within the group, elements of the window.
  const auto spread = [&](std::vector<std::vector<int>> dims, int value) {
    dims.resize(4 + 2 * rank);
    return Lowered{.value = value, .dims = std::move(dims)};
  };
  const auto inputs = [&](const Lowered& windowed) {
    std::vector<std::vector<int>> dims = {windowed.dims[0], in.group, {}};
    for (std::size_t k = 0; k < rank; ++k) dims.push_back(windowed.dims[k + 2]);
    dims.push_back(in.within);
    for (std::size_t k = 0; k < rank; ++k)
      dims.push_back(steps[k].inside < 0 ? std::vector<int>() : std::vector<int>{steps[k].inside});
    return spread(std::move(dims), windowed.value);
  };
  const auto weights = [&](const Lowered& w) {
    std::vector<std::vector<int>> dims = {{}, first_of_weight.group, out_axes};
    dims.resize(3 + rank);
    dims.push_back(transposed ? first_of_weight.within : w.dims[1]);
    for (std::size_t k = 0; k < rank; ++k) dims.push_back(w.dims[k + 2]);
    return spread(std::move(dims), w.value);
  };
  Lowered sum;
  if (!product && !transposed && in.within.empty() && taps <= most_taps) {
    // Written out: what follows, and what is before, joins the kernel.
    std::vector<WindowStep> picks;
    for (std::size_t k = 0; k < rank; ++k) {
      r.l.pin(windows[k].kernel);
      if (weight.dims[k + 2].empty()) continue;
      picks.push_back({.dim = k + 2, .step = one(workloads), .apart = one(workloads), .limit = windows[k].kernel});
    }
    for (std::int64_t tap = 0; tap < taps; ++tap) {
      move_to_tap(steps, windows, tap);
      std::int64_t rest = tap;
      for (std::size_t k = rank, pick = picks.size(); k-- > 0;) {
        const std::int64_t size = windows[k].kernel.values[0];
        if (!weight.dims[k + 2].empty()) picks[--pick].shift = literal(rest % size, workloads);
        rest /= size;
      }
      const Lowered w = picks.empty() ? weight : r.l.window(weight, picks, 0);
      const Lowered term = r.f(Op::mul, inputs(r.l.window(x, steps, 0)), weights(w));
      sum = tap == 0 ? term : r.f(Op::add, sum, term);
    }
  } else {
    for (std::size_t k = 0; k < rank; ++k) {
      if (weight.dims[k + 2].empty()) continue;
      if (weight.dims[k + 2].size() != 1) throw CannotLower{"a kernel's dimension that is not one axis"};
      steps[k].inside = weight.dims[k + 2][0];
      r.l.is_inside(steps[k].inside);
    }
    const Lowered terms = r.f(Op::mul, inputs(r.l.window(x, steps, 0)), weights(weight));
    std::vector<int> dims;
    for (std::size_t d = 3 + rank; d < 4 + 2 * rank; ++d) dims.push_back(static_cast<int>(d));
    sum = r.l.reduce(ReduceOp::sum, terms, r.l.axes_of(terms, dims));
    // cuDNN has TF32 for plain ones; grouped and dilated ones it computes in f32.
    const bool plain = groups.is(1) && std::ranges::all_of(windows, [](const Windowed& w) { return w.dilation.is(1); });
    if (plain)
      r.l.allow_coarse(sum, r.l.is_rounded(references(r.node).at(0)) && r.l.is_rounded(references(r.node).at(1)));
  }
  Lowered made{.value = sum.value, .dims = {sum.dims[0], joined(sum.dims[1], sum.dims[2])}};
  for (std::size_t k = 0; k < rank; ++k) made.dims.push_back(sum.dims[3 + k]);
  if (!r.args.none(2, "bias")) made = r.f(Op::add, made, Rule::along(r.args.tensor(2, "bias"), 1, rank + 2));
  r.give(made);
}

}  // namespace kerf
