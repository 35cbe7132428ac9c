#include "synthesize/builtin/turned.h"

#include <algorithm>

namespace kerf {
namespace {

// The axis along which neighbours are neighbours in memory, if the innermost is another one.
std::optional<int> across(const Region& region, const Instruction& load) {
  const int inner = static_cast<int>(region.axes.size()) - 1;
  const Subscript* along = load.access.along(inner);
  if (load.access.type != Type::f32 || load.access.pick || !load.access.windows.empty() || !along) return std::nullopt;
  if (std::ranges::any_of(along->stride.values, [](std::int64_t n) { return n < 2; })) return std::nullopt;
  for (const Subscript& s : load.access.subscripts)
    if (s.axis != inner && s.stride.is(1) && !region.axes[static_cast<std::size_t>(s.axis)].extent.is(1)) return s.axis;
  return std::nullopt;
}

}  // namespace

std::optional<Turned> turned(const Region& region) {
  std::optional<Turned> found;
  for (std::size_t v = 0; v < region.code.size(); ++v) {
    if (region.code[v].form != Instruction::Form::load) continue;
    const std::optional<int> axis = across(region, region.code[v]);
    if (!axis) continue;
    if (!found) found = Turned{.axis = *axis, .loads = {}};
    if (found->axis != *axis) return std::nullopt;
    found->loads.push_back(static_cast<int>(v));
  }
  return found;
}

}  // namespace kerf
