#include "synthesize/builtin/triton_tiles.h"

#include <algorithm>

#include "synthesize/builtin/gpu_schedule.h"
#include "synthesize/builtin/powers.h"

namespace kerf {
namespace {

constexpr std::int64_t most_in_a_tile = 1 << 17;  // Triton allows 2^20

// Rows or columns of a tile.
std::int64_t tile_breadth(const Region& region, const Schedule& s, std::int64_t threads) {
  if (s.sketch == Sketch::columns || cuts_up_columns(region, s)) return threads / s.lanes * s.width;
  return s.sketch == Sketch::rows && s.lanes <= 32 ? threads / s.lanes : 1;
}

}  // namespace

std::int64_t longest_row(const Region& region) {
  const Extent extent = region.extent_of(region.reduced);
  return extent.values.empty() ? 1 : *std::ranges::max_element(extent.values);
}

std::int64_t tile_length(const Region& region, const Schedule& s, std::int64_t threads) {
  if (s.hold) return power_above(longest_row(region));
  if (s.sketch == Sketch::columns || cuts_up_columns(region, s) || (s.sketch == Sketch::rows && s.lanes <= 32))
    return s.lanes * s.unroll;
  return threads * s.unroll * (s.sketch == Sketch::flat ? s.width : 1);
}

bool cuts_up_columns(const Region& region, const Schedule& s) {
  return s.sketch == Sketch::split && region.reduced != 0 && region.scanned == 0 &&
         !region.is_reduced(static_cast<int>(region.axes.size()) - 1);
}

bool loops_over_tiles(const Schedule& s) { return s.resident > 0 || (s.sketch != Sketch::flat && !s.hold); }

bool registers_hold_tile(const Region& region, const Schedule& s) {
  std::int64_t loads = 0;
  for (std::size_t v = 0; v < region.code.size(); ++v)
    loads +=
        is_row_load(region, static_cast<int>(v)) && (region.code[v].axes & region.reduced) == region.reduced ? 1 : 0;
  return std::ranges::all_of(s.block, [&](std::int64_t threads) {
    const std::int64_t most = threads <= 512 ? 32 : 16;
    const std::int64_t elements = tile_length(region, s, threads) * tile_breadth(region, s, threads);
    return std::max<std::int64_t>(loads, 1) * elements <= most * threads && elements <= most_in_a_tile;
  });
}

std::int64_t staged_bytes(const Region& region, const Schedule& s) {
  const std::int64_t threads = *std::ranges::max_element(s.block);
  std::int64_t bytes = 0;
  for (const Instruction& i : region.code) {
    if (i.form != Instruction::Form::load || (i.axes & (s.sketch == Sketch::flat ? i.axes : region.reduced)) == 0)
      continue;
    bytes += (i.type == Type::i64 ? 8 : 4) * tile_length(region, s, threads) * tile_breadth(region, s, threads);
  }
  return bytes * s.stages;
}

std::int64_t bytes_of_tiles(const Schedule& s) {
  const bool before = s.factors == Factors::three_parts_before;
  const std::int64_t here = s.factors == Factors::two_parts ? 8 : s.factors == Factors::three_parts ? 6 : 0;
  return std::max<std::int64_t>(s.stages, 1) * (s.tile[0] + s.tile[1]) * s.tile[2] * (before ? 6 : 4) +
         here * s.tile[1] * s.tile[2];
}

bool reads_windows(const Region& region, int factor) {
  const Instruction& i = region.code[static_cast<std::size_t>(factor)];
  return !i.access.windows.empty() ||
         std::ranges::any_of(i.operands, [&](int operand) { return reads_windows(region, operand); });
}

std::int64_t lanes_of(const Region& region, std::uint64_t mask) {
  const Extent extent = region.extent_of(mask);
  return std::max<std::int64_t>(16, power_above(*std::ranges::max_element(extent.values)));
}

}  // namespace kerf
