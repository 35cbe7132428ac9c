#include "synthesize/builtin/turned.h"

#include <algorithm>

#include "synthesize/builtin/powers.h"

namespace kerf {
namespace {

using Form = Instruction::Form;

// The axis along which neighbours are neighbours in memory, if the innermost is another one.
std::optional<int> across(const Region& region, const Access& access) {
  const int inner = static_cast<int>(region.axes.size()) - 1;
  const Subscript* along = access.along(inner);
  if (access.type != Type::f32 || !access.picks.empty() || !along) return std::nullopt;
  if (std::ranges::any_of(along->stride.values, [](std::int64_t n) { return n < 2; })) return std::nullopt;
  for (const Subscript& s : access.subscripts)
    if (s.axis != inner && s.stride.is(1) && !region.axes[static_cast<std::size_t>(s.axis)].extent.is(1)) return s.axis;
  return std::nullopt;
}

std::optional<Turned> turned(const Region& region, bool windows) {
  std::optional<Turned> found;
  for (std::size_t v = 0; v < region.code.size(); ++v) {
    const Instruction& i = region.code[v];
    if (i.form != Form::load || i.access.windows.empty() == windows) continue;
    const std::optional<int> axis = across(region, i.access);
    if (!axis) continue;
    if (!found) found = Turned{.axis = *axis, .loads = {}, .windows = windows};
    if (found->axis != *axis) return std::nullopt;
    found->loads.push_back(static_cast<int>(v));
  }
  return found;
}

}  // namespace

std::optional<Turned> turned(const Region& region) { return turned(region, false); }

bool reads_across(const Region& region) {
  const int inner = static_cast<int>(region.axes.size()) - 1;
  return std::ranges::any_of(region.code, [&](const Instruction& i) {
    const Subscript* along = i.form == Form::load ? i.access.along(inner) : nullptr;
    return along && std::ranges::any_of(i.access.subscripts, [&](const Subscript& s) {
             const std::int64_t step = s.stride.values.at(0);
             return s.axis != inner && step > 0 && step < along->stride.values.at(0) &&
                    region.axes[static_cast<std::size_t>(s.axis)].extent.values.at(0) > 1;
           });
  });
}

std::optional<Turned> turned_by_tiles(const Region& region) {
  if (region.reduced != 0 || region.axes.size() < 2) return std::nullopt;
  const int inner = static_cast<int>(region.axes.size()) - 1;
  for (const RegionStore& store : region.stores)
    if (store.access.along(inner) == nullptr || store.access.type != Type::f32) return std::nullopt;
  const auto as_stored = [&](const Instruction& i) {
    return i.form == Form::load && !i.access.windows.empty() && i.access.along(inner) && !across(region, i.access);
  };
  if (std::ranges::none_of(region.code, as_stored))
    if (auto found = turned(region, true)) return found;
  return turned(region, false);
}

TurnedTile turned_tile(const Region& region, const Turned& turned, std::int64_t elements) {
  constexpr std::int64_t line = 32, enough = 2048;
  const std::int64_t most = std::max<std::int64_t>(128, elements / 16);
  std::uint64_t inside = 0;
  for (int a = turned.axis + 1; a < static_cast<int>(region.axes.size()); ++a) inside |= std::uint64_t{1} << a;
  const auto size = [&](std::uint64_t axes) {
    return std::min(most, power_above(region.extent_of(axes).values.at(0)));
  };
  const std::int64_t down = size(std::uint64_t{1} << turned.axis), along = size(inside);
  TurnedTile tile;
  tile.height = std::min(down, line);
  tile.breadth = std::min(along, std::max<std::int64_t>(1, elements / tile.height));
  tile.height = std::min(down, std::max(tile.height, std::min(elements, enough) / tile.breadth));
  return tile;
}

}  // namespace kerf
