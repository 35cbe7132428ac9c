#include "synthesize/builtin/triton_schedule.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <optional>
#include <set>

#include "synthesize/builtin/attention.h"
#include "synthesize/builtin/gpu_schedule.h"
#include "synthesize/builtin/passes.h"
#include "synthesize/builtin/powers.h"
#include "synthesize/builtin/products.h"
#include "synthesize/builtin/triton_tiles.h"
#include "synthesize/builtin/turned.h"

namespace kerf {
namespace {

using Form = Instruction::Form;

// Loads ahead of their round where accumulators take the registers of programs that would hide them.
void stage(const Region& region, Schedule& s) {
  constexpr std::int64_t most = 150 << 10;
  s.stages = 3;
  if (!s.joint || staged_bytes(region, s) > most) s.stages = 0;
}

Schedule rows_schedule(const Region& region, Schedule s) {
  s.sketch = Sketch::rows;
  s.hold = true;
  const std::int64_t length = power_above(longest_row(region));
  if (length <= 256) {
    s.lanes = std::clamp<std::int64_t>(length / 8, 1, 32);
    s.block = {128};
  } else {
    s.lanes = whole_block;
    const std::int64_t threads = std::clamp<std::int64_t>(length / 16, 64, 1024);
    s.block = {threads, threads > 128 ? threads / 2 : threads * 2};
    while (!registers_hold_tile(region, s) && s.block.front() < 1024) s.block = {s.block.front() * 2};
  }
  if (registers_hold_tile(region, s)) return s;
  s.block.resize(1);
  if (registers_hold_tile(region, s)) return s;
  s.hold = false;
  s.lanes = whole_block;
  s.block = {256, 512};
  s.unroll = 8;
  while (!registers_hold_tile(region, s) && s.unroll > 1) s.unroll /= 2;
  s.joint = !joints(region).empty();
  stage(region, s);
  return s;
}

// Columns that lie side by side but are too few for every SM to have some of them: rows are cut up.
std::optional<Schedule> column_split_schedule(const Region& region, Schedule s, std::int64_t kept,
                                              const CacheFacts& machine) {
  constexpr std::int64_t most_columns = 128, many_rows = 1024;
  const std::int64_t columns = std::min(most_columns, power_above(region.axes.back().extent.values[0]));
  if (kept / columns >= 2 * machine.sms || longest_row(region) < many_rows) return std::nullopt;
  s.sketch = Sketch::split;
  s.block = {256};
  s.width = 4;
  s.lanes = std::clamp<std::int64_t>(256 * s.width / columns, 1, 64);
  s.unroll = 4;
  s.resident = 4 * machine.sms;
  s.joint = !joints(region).empty();
  // A pass takes two launches; what a cache has is passed over again sooner.
  if (parts(region, s.joint).size() > 1 && bytes_moved(region) < machine.l2_bytes / 2) return std::nullopt;
  stage(region, s);
  return illegal_in_triton(region, s).empty() ? std::optional(s) : std::nullopt;
}

Schedule columns_schedule(const Region& region, Schedule s, const CacheFacts& machine) {
  s.sketch = Sketch::columns;
  const std::int64_t columns = power_above(region.axes.back().extent.values[0]);
  const std::int64_t length = power_above(longest_row(region));
  s.block = {256};
  s.width = columns >= 128 ? 4 : 1;
  s.lanes = std::clamp<std::int64_t>(length / 8, 1, 8);
  while (s.lanes < 64 && 256 / s.lanes * s.width > columns) s.lanes *= 2;
  s.hold = true;
  s.unroll = 1;
  while (!registers_hold_tile(region, s) && 256 / s.lanes * s.width > 32 && s.lanes < 64) s.lanes *= 2;
  // More than 16 elements a thread, and sums of them in double, leave too few programs to keep memory busy. Fewer
  // columns are cheaper than more threads (an H100, 64 rows: 5.25 ms with 64 columns and 256 threads, 6.02 with 128 and
  // 512), but a row of a tile has whole lines of memory.
  if (registers_hold_tile(region, s) && length * (256 / s.lanes * s.width) > 16 * 256 && s.lanes < 64) {
    s.lanes *= 2;
    if (256 / s.lanes * s.width < 64) s.block = {512};
  }
  if (registers_hold_tile(region, s)) return s;
  s.block = {256};
  s.lanes = std::max<std::int64_t>(8, 256 / columns * s.width);
  // Few columns are for many programs.
  std::uint64_t outer = 0;
  for (std::size_t a = 0; a + 1 < region.axes.size(); ++a)
    outer |= region.is_reduced(static_cast<int>(a)) ? 0 : std::uint64_t{1} << a;
  const std::int64_t rows = region.extent_of(outer).values[0];
  const auto programs = [&] { return rows * std::max<std::int64_t>(1, columns / (256 / s.lanes * s.width)); };
  while (programs() < machine.sms && 256 / s.lanes * s.width > 8 && s.lanes < 64) {
    if (s.width > 1)
      s.width /= 2;
    else
      s.lanes *= 2;
  }
  s.hold = false;
  s.unroll = 4;
  while (!registers_hold_tile(region, s) && s.unroll > 1) s.unroll /= 2;
  s.joint = !joints(region).empty();
  stage(region, s);
  return s;
}

// Whether such windows begin at every element, in rows of many tiles: all but the first and the last tile of a row load
// without conditions, so that four neighbours a thread are a vector where they are aligned.
bool begins_everywhere(const Region& region) {
  const int inner = static_cast<int>(region.axes.size()) - 1;
  return region.axes.back().extent.values.at(0) >= 4096 && std::ranges::any_of(region.code, [&](const Instruction& i) {
           const Subscript* along = i.access.windows.empty() ? nullptr : i.access.along(inner);
           return along != nullptr && along->stride.values.at(0) == 1 && (i.access.guards() >> inner & 1U) != 0;
         });
}

// Windows along the innermost axis: all but one of their elements begin where nothing is aligned, or lie apart.
bool has_neighbours(const Region& region) {
  const int inner = static_cast<int>(region.axes.size()) - 1;
  std::set<std::int64_t> shifts;
  for (const Instruction& i : region.code) {
    if (i.access.windows.empty() || i.access.along(inner) == nullptr) continue;
    for (const Window& window : i.access.windows)
      if (window.stride.values.at(0) == 1) shifts.insert(window.shift.values.at(0));
  }
  return shifts.size() > 1;
}

// Whether neighbours in memory are what is summed: tensor cores want TF32 so, of the right factor at least.
bool along_inner(const Region& region, const ProductShape& p, int factor) {
  const Instruction& load = region.code[static_cast<std::size_t>(factor)];
  if (load.form != Form::load || !load.access.windows.empty()) return false;
  const Subscript* last = load.access.along(static_cast<int>(std::bit_width(p.inner)) - 1);
  return last != nullptr && last->stride.is(1);
}

Schedule product_schedule(const Region& region, const ProductShape& p, Schedule s, const CacheFacts& machine) {
  const auto length = [&](std::uint64_t mask) { return region.extent_of(mask).values[0]; };
  const auto fitting = [](std::int64_t n, std::int64_t most) {
    return std::clamp<std::int64_t>(power_above(n), 16, most);
  };
  s.sketch = Sketch::product;
  s.turned = along_inner(region, p, p.left) && !along_inner(region, p, p.right);
  const double rows = static_cast<double>(length(p.rows)), columns = static_cast<double>(length(p.columns)),
               inner = static_cast<double>(length(p.inner)), batch = static_cast<double>(length(p.batch));
  if (region.code[static_cast<std::size_t>(p.sum)].coarse) {
    s.factors = Factors::coarse;
  } else {
    // Microseconds on an H100: what cutting up costs (10 bytes moved a number), what the product saves by it.
    const double cut = batch * (rows + columns) * inner * 10 / 3e6, all = 2 * batch * rows * columns * inner;
    const bool straight = along_inner(region, p, p.left) || along_inner(region, p, p.right);
    const double saved = all / (straight ? 80e6 : 68e6) - all / 100e6;
    s.factors = straight ? Factors::two_parts : Factors::three_parts;
    if (saved > 1.25 * cut && !reads_windows(region, p.left) && !reads_windows(region, p.right))
      s.factors = Factors::three_parts_before;
  }
  const std::uint64_t down = s.turned ? p.columns : p.rows, across = s.turned ? p.rows : p.columns;
  s.tile = {fitting(length(down), 128), fitting(length(across), 128), fitting(length(p.inner), 32)};
  s.swizzle = 8;
  s.stages = 3;
  const auto programs = [&] {
    return (length(down) + s.tile[0] - 1) / s.tile[0] * ((length(across) + s.tile[1] - 1) / s.tile[1]) *
           length(p.batch) * s.pieces;
  };
  // Every SM has a tile: cut up what is summed where that is long, the tiles where it is not.
  while (programs() < machine.sms && length(p.inner) >= 1024 * s.pieces) s.pieces *= 2;
  while (programs() < machine.sms && std::max(s.tile[0], s.tile[1]) > 32) s.tile[s.tile[0] > s.tile[1] ? 0 : 1] /= 2;
  // The parts of a wide right factor take registers; factors that are loaded as they are multiplied take none.
  const bool straight = s.factors == Factors::coarse && windows_over_channels(region, p);
  const bool wide = s.tile[0] * s.tile[1] > 128 * 64 || s.tile[1] > std::max<std::int64_t>(s.tile[0], 64);
  s.block = {wide && !straight ? 256 : 128};
  return s;
}

// Whether a mask from memory, or minus infinity in its place, is what the value is made of: a bias hides nothing, as a
// rule.
bool hides_for_certain(const Region& region, int v) {
  const Instruction& i = region.code[static_cast<std::size_t>(v)];
  if (i.form == Form::load) return i.type == Type::mask;
  return i.type == Type::mask || (i.form == Form::constant && std::isinf(i.constant)) ||
         std::ranges::any_of(i.operands, [&](int operand) { return hides_for_certain(region, operand); });
}

// Larger tiles spill (Triton 3.9, sm_90).
Schedule attention_schedule(const Region& region, const AttentionShape& p, Schedule s, const CacheFacts& machine) {
  const auto length = [&](std::uint64_t mask) { return region.extent_of(mask).values[0]; };
  const auto fitting = [&](std::uint64_t mask, std::int64_t most) {
    return std::clamp<std::int64_t>(power_above(length(mask)), 16, most);
  };
  const std::int64_t wide = std::max(lanes_of(region, p.inner), lanes_of(region, p.width));
  s.sketch = Sketch::attention;
  s.factors = Factors::three_parts;
  s.stages = 2;
  s.ahead = p.hidden && !p.diagonal && hides_for_certain(region, p.hidden->value);
  s.tile = {fitting(p.rows, wide > 128 ? 16 : 64), fitting(p.columns, wide > 64 ? 16 : 64), 0};
  const auto programs = [&] { return (length(p.rows) + s.tile[0] - 1) / s.tile[0] * length(p.batch); };
  while (s.tile[0] > 32 && programs() < machine.sms) s.tile[0] /= 2;
  if (s.tile[0] < 64) s.tile[1] = std::min<std::int64_t>(s.tile[1], 32);
  s.block = {wide > 128 ? 256 : 128};
  return s;
}

// Whether rows of what is stored begin at sectors of memory, 32 bytes each. Where they do not, two tiles write the ends
// of one sector, and it has to stay in the caches until both have.
bool begins_at_sectors(const Region& region, const Turned& lies) {
  std::int64_t row = 1;
  for (std::size_t a = static_cast<std::size_t>(lies.axis) + 1; a < region.axes.size(); ++a)
    row *= region.axes[a].extent.values[0];
  return row % 8 == 0;
}

}  // namespace

Schedule default_triton_schedule(const Region& region, const CacheFacts& machine) {
  Schedule s;
  std::uint64_t all = 0;
  for (std::size_t a = 0; a < region.axes.size(); ++a) all |= std::uint64_t{1} << a;
  const std::int64_t rows = region.extent_of(all & ~region.reduced).values[0];
  const std::int64_t length = region.extent_of(region.reduced).values[0];
  s.streaming = bytes_moved(region) > machine.l2_bytes;
  if (const auto attention = attention_shape(region)) return attention_schedule(region, *attention, s, machine);
  if (const auto product = product_shape(region)) {
    Schedule own = product_schedule(region, *product, s, machine);
    if (illegal_in_triton(region, own).empty()) return own;
  }
  if (region.reduced == 0) {
    s.sketch = Sketch::flat;
    // 16 elements of one or two tensors have enough bytes under way, and nothing comes back from a cache.
    const auto loads = std::ranges::count_if(region.code, [&](const Instruction& i) {
      return i.form == Form::load && i.access.windows.empty() && i.axes == all;
    });
    s.block = {128, 256};
    s.width = 4;
    s.unroll = loads <= 2 ? 4 : 2;
    // The loads of a window alone are enough under way; of more places their addresses spill.
    constexpr std::ptrdiff_t large_window = 4;
    if (std::ranges::count_if(region.code, [](const Instruction& i) { return !i.access.windows.empty(); }) >
        large_window)
      s.unroll = 1;
    const std::optional<Turned> lies = turned_by_tiles(region);
    s.streaming = s.streaming && (has_windows(region) || (lies && begins_at_sectors(region, *lies)));
    const std::int64_t row = region.axes.empty() ? 1 : region.axes.back().extent.values[0];
    s.across = region.axes.size() > 1 && row < 2048;
    if (lies) {
      s.block = {256};
      s.unroll = 4;
      s.across = false;
      return s;
    }
    if (has_neighbours(region) && begins_everywhere(region)) {
      s.block = {128, 256};
      s.unroll = 1;
    } else if (has_neighbours(region)) {
      // Neighbouring threads read neighbouring windows, an element each, for what begins where nothing is aligned; what
      // does not change along a row is read once where a program fits into one.
      s.width = s.unroll = 1;
      s.block = {256, 512};
      for (const std::int64_t threads : {128, 256, 512})
        if ((row + threads - 1) / threads * threads * 8 <= row * 9) {
          s.block = {threads};
          s.across = false;
        }
    }
    return s;
  }
  if (!region.is_reduced(static_cast<int>(region.axes.size()) - 1)) {
    if (const auto split = column_split_schedule(region, s, rows, machine)) return *split;
    return columns_schedule(region, s, machine);
  }
  s.sketch = Sketch::split;
  s.block = {512};
  s.unroll = 8;
  s.resident = 4 * machine.sms;
  s.joint = !joints(region).empty();
  const bool few = rows < 8 * machine.sms && length >= 65536, very_few = rows < machine.sms && length >= 16384;
  stage(region, s);
  if ((few || very_few) && illegal_in_triton(region, s).empty()) return s;
  s.stages = 0;
  s.joint = false;
  s.resident = 0;
  return rows_schedule(region, s);
}

}  // namespace kerf
