#include "synthesize/builtin/norms.h"

#include <utility>
#include <vector>

#include "synthesize/builtin/windows.h"

namespace kerf {
namespace {

// A dimension of channels as groups of channels: the axes of both, none where there is one.
std::pair<std::vector<int>, std::vector<int>> groups_of(const Rule& r, const std::vector<int>& channels,
                                                        std::size_t groups_at) {
  const auto* given = std::get_if<Constant>(&r.node.args.at(groups_at).is);
  if (given == nullptr || channels.size() != 1) throw CannotLower{"groups of such channels"};
  const Extent all = r.l.extent(channels[0]);
  Extent outer{.text = expression_of(*given), .values = {}}, inner{.text = "", .values = {}};
  for (std::size_t w = 0; w < r.l.workloads(); ++w) {
    const auto* n = std::get_if<std::int64_t>(&given->values[w].is);
    if (n == nullptr || *n <= 0) throw CannotLower{"groups of such channels"};
    outer.values.push_back(*n);
    inner.values.push_back(all.values[w] / *n);
  }
  if (outer.is(1)) return {{}, channels};
  if (inner.is(1)) return {channels, {}};
  inner.text = in_brackets(all.text) + " // " + outer.text;
  const auto [g, c] = r.l.split_axis(channels[0], outer, inner);
  return {{g}, {c}};
}

// A value by image and channel, or by channel, beside images of `rank` dimensions.
Lowered beside(Lowered value, std::size_t rank) {
  if (value.dims.size() == 1) value.dims.insert(value.dims.begin(), std::vector<int>());
  value.dims.resize(rank);
  return value;
}

}  // namespace

void moments(const Rule& r) {
  const Lowered x = r.x();
  const auto over = static_cast<std::size_t>(r.args.dim(1, "dims"));
  if (x.dims.size() < over + 2) throw CannotLower{"moments of such dimensions"};
  const std::vector<int> axes = r.l.axes_of(x, r.dims_from(x, x.dims.size() - over));
  const auto by_channel = [&](Lowered value) {
    value.dims = x.dims;
    value.dims.resize(x.dims.size() - over);
    value.dims.push_back(x.dims[1]);
    value.dims.erase(value.dims.begin() + 1);
    return value;
  };
  const Lowered mean = r.l.mean(x, axes);
  r.give(by_channel(mean), 0);
  r.give(by_channel(r.l.mean(r.f(Op::square, r.f(Op::sub, x, mean)), axes)), 1);
}

void joined_moments(const Rule& r) {
  Lowered mean = r.x();
  const std::size_t last = mean.dims.size() - 1;
  std::vector<int> axes;
  std::vector<std::vector<int>> kept;
  if (r.args.none(2, "groups")) {
    axes = r.l.axes_of(mean, r.l.all_dims(mean));
    std::erase(axes, mean.dims[last].at(0));
    kept = {mean.dims[last]};
  } else {
    const auto [groups, channels] = groups_of(r, mean.dims[last], 2);
    std::vector<int> between;
    for (std::size_t d = 1; d < last; ++d) between.push_back(static_cast<int>(d));
    axes = r.l.axes_of(mean, between);
    axes.insert(axes.end(), channels.begin(), channels.end());
    kept = {mean.dims[0], groups};
    mean.dims[last] = groups;
    mean.dims[last].insert(mean.dims[last].end(), channels.begin(), channels.end());
  }
  // The variance of all is the mean of the variances of equally large parts, and of the squares of what their means
  // deviate.
  const Lowered whole = r.l.mean(mean, axes);
  const Lowered apart = r.f(Op::square, r.f(Op::sub, mean, whole));
  const Lowered variance = r.l.mean(r.f(Op::add, r.args.tensor(1), apart), axes);
  const auto by_row = [&](Lowered value) {
    value.dims = kept;
    return value;
  };
  r.give(by_row(whole), 0);
  r.give(by_row(r.f(Op::rsqrt, r.f(Op::add, variance, r.args.number(3, "eps", 1e-5)))), 1);
}

void scale_and_shift(const Rule& r) {
  const auto by_group = [&](Lowered value) {
    value.dims.resize(3);
    return value;
  };
  const auto by_channel = [&](Lowered value) {
    auto [groups, channels] = groups_of(r, value.dims.at(0), 4);
    value.dims = {{}, std::move(groups), std::move(channels)};
    return value;
  };
  const Lowered scale = r.f(Op::mul, by_group(r.args.tensor(1)), by_channel(r.args.tensor(2)));
  const Lowered shift = r.f(Op::sub, by_channel(r.args.tensor(3)), r.f(Op::mul, by_group(r.x()), scale));
  const auto joined = [](Lowered value) {
    value.dims[1].insert(value.dims[1].end(), value.dims[2].begin(), value.dims[2].end());
    value.dims.pop_back();
    return value;
  };
  r.give(joined(scale), 0);
  r.give(joined(shift), 1);
}

void scaled(const Rule& r) {
  const Lowered x = r.x();
  const std::size_t rank = x.dims.size();
  r.give(r.f(Op::add, r.f(Op::mul, x, beside(r.args.tensor(1), rank)), beside(r.args.tensor(2), rank)));
}

void standardised(const Rule& r) {
  const Lowered x = r.x();
  const std::size_t rank = x.dims.size();
  Lowered factor = beside(r.args.tensor(2), rank);
  if (!r.args.none(3, "weight")) factor = r.f(Op::mul, factor, beside(r.args.tensor(3), rank));
  Lowered result = r.f(Op::mul, r.f(Op::sub, x, beside(r.args.tensor(1), rank)), factor);
  if (!r.args.none(4, "bias")) result = r.f(Op::add, result, beside(r.args.tensor(4), rank));
  r.give(result);
}

}  // namespace kerf
