#include "synthesize/builtin/gpu_schedule.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "synthesize/builtin/passes.h"
#include "synthesize/builtin/powers.h"
#include "synthesize/builtin/turned.h"

namespace kerf {
namespace {

using Form = Instruction::Form;

std::uint64_t bit_of(std::size_t axis) { return std::uint64_t{1} << axis; }

std::int64_t largest(const Extent& extent) {
  return extent.values.empty() ? 1 : *std::ranges::max_element(extent.values);
}

std::int64_t power_below(std::int64_t n) {
  return n < 1 ? 1 : static_cast<std::int64_t>(std::bit_floor(static_cast<std::uint64_t>(n)));
}

// Registers of a thread that values of rows may take; a block must fit into 65,536, and several should.
std::int64_t registers_to_hold(std::int64_t threads) { return threads <= 256 ? 96 : threads <= 512 ? 64 : 32; }

std::int64_t held_registers(const Region& region, const Schedule& s, std::int64_t threads) {
  std::int64_t rows = s.keep ? 1 : 0;
  for (std::size_t v = 0; v < region.code.size(); ++v) rows += is_row_load(region, static_cast<int>(v)) ? 1 : 0;
  return rows * vectors_a_thread(region, s, threads) * s.width;
}

bool fits(const Region& region, const Schedule& s) {
  return std::ranges::all_of(
      s.block, [&](std::int64_t threads) { return held_registers(region, s, threads) <= registers_to_hold(threads); });
}

// Loads of what changes from row to row, but not along the innermost axis.
constexpr std::int64_t many_loads_of_rows = 8;
std::int64_t loads_of_rows(const Region& region) {
  return std::ranges::count_if(region.code, [&](const Instruction& i) {
    return i.form == Form::load && i.axes != 0 && (i.axes >> (region.axes.size() - 1) & 1U) == 0;
  });
}

std::int64_t width_for(const Region& region, const Schedule& s) {
  // Neighbouring threads read neighbouring windows.
  if (has_windows(region)) return 1;
  for (const std::int64_t width : {4, 2})
    if (vectorisable(region, s, width)) return width;
  return 1;
}

// One more block size to choose from, if its threads can hold what they are to hold.
void offer(const Region& region, Schedule& s, std::int64_t threads) {
  s.block.push_back(threads);
  if (!fits(region, s)) s.block.pop_back();
}

Schedule rows_schedule(const Region& region, Schedule s, std::int64_t length) {
  s.sketch = Sketch::rows;
  s.width = width_for(region, s);
  s.hold = true;
  const std::int64_t vectors = (length + s.width - 1) / s.width;
  if (vectors <= 128) {
    // Up to four vectors a thread; rows of a few elements share a warp.
    s.lanes = std::clamp<std::int64_t>(power_below((vectors + 1) / 2), 1, 32);
    s.block = {256, 128};
  } else {
    s.lanes = whole_block;
    const std::int64_t threads = std::clamp<std::int64_t>(power_below(vectors / 2), 128, 1024);
    s.block = {threads, threads > 128 ? threads / 2 : 256};
    // Fewer threads, each with more of a row, wait for one another less.
    if (threads > 256) offer(region, s, threads / 4);
  }
  while (!fits(region, s) && s.block.back() < 1024 && s.lanes == whole_block)
    s.block = s.block.front() < 1024 ? std::vector<std::int64_t>{s.block.front() * 2} : std::vector<std::int64_t>{1024};
  if (fits(region, s)) {
    const auto keep = s;
    s.keep = true;
    if (!illegal_on_gpu(region, s).empty()) s = keep;
    return s;
  }
  s.hold = false;
  s.lanes = whole_block;
  s.block = {512, 1024};
  s.unroll = 4;
  s.joint = !joints(region).empty();
  return s;
}

Schedule columns_schedule(const Region& region, Schedule s, std::int64_t length) {
  s.sketch = Sketch::columns;
  s.width = width_for(region, s);
  s.lanes = std::clamp<std::int64_t>(power_below(length / 8), 1, 8);
  s.block = {32 * s.lanes};
  s.hold = true;
  s.unroll = 1;
  while (s.width > 1 && !fits(region, s)) s.width /= 2;
  if (fits(region, s)) {
    offer(region, s, 64 * s.lanes);
    return s;
  }
  s.width = width_for(region, s);
  s.hold = false;
  s.unroll = s.width == 1 ? 8 : 4;
  return s;
}

std::string illegal_tile(const Region& region, const Turned& lies, const Schedule& s) {
  constexpr std::int64_t shared = 48 << 10;
  if (s.width != 1 || s.across) return "what lies across is worked off by tiles, an element at a time";
  if (!is_power_of_two(s.unroll)) return "a thread has a power of two of a tile's elements";
  const TurnedTile tile = turned_tile(region, lies, tile_elements(s));
  const std::size_t tensors = lies.windows ? region.stores.size() : lies.loads.size();
  if (static_cast<std::int64_t>(tensors) * tile.height * (tile.breadth + 1) * 4 > shared)
    return "shared memory does not hold the tiles that are turned";
  return "";
}

}  // namespace

std::int64_t tile_elements(const Schedule& s) { return s.block.front() * s.width * s.unroll; }

bool is_row_load(const Region& region, int value) {
  const Instruction& i = region.code[static_cast<std::size_t>(value)];
  std::uint64_t all = 0;
  for (std::size_t a = 0; a < region.axes.size(); ++a) all |= bit_of(a);
  const std::uint64_t kept = all & ~region.reduced;
  return i.form == Form::load && i.access.windows.empty() && (i.axes & region.reduced) != 0 &&
         (kept == 0 || (i.axes & kept) != 0);
}

bool stores_rows(const Region& region) {
  return std::ranges::any_of(region.stores, [&](const RegionStore& store) {
    return std::ranges::any_of(store.access.subscripts, [&](const Subscript& s) { return region.is_reduced(s.axis); });
  });
}

std::int64_t vectors_a_thread(const Region& region, const Schedule& s, std::int64_t threads) {
  const std::int64_t length = largest(region.extent_of(region.reduced));
  const std::int64_t step = s.sketch == Sketch::columns ? s.lanes : s.width * (s.lanes > 32 ? threads : s.lanes);
  return (length + step - 1) / step;
}

bool vectorisable(const Region& region, const Schedule& s, std::int64_t width) {
  if (width == 1) return true;
  if (region.axes.empty()) return false;
  const int inner = static_cast<int>(region.axes.size()) - 1;
  // A single row has elements behind its last vector; they are handled apart.
  const bool alone = s.sketch == Sketch::flat && region.axes.size() == 1;
  for (std::size_t w = 0; w < region.workloads; ++w) {
    if (!alone && region.axes.back().extent.values[w] % width != 0) {
      if (w == 0) return false;
      continue;  // `supports` leaves it out
    }
    const auto fine = [&](const Access& access) {
      const bool by_element = !access.windows.empty() || region.picks_along(access, std::uint64_t{1} << inner);
      if (by_element) return true;
      const Subscript* along = access.along(inner);
      if (along == nullptr || access.type != Type::f32 || !along->stride.is(1)) return true;
      if (!access.aligned || !access.contiguous) return false;
      for (const Pick& pick : access.picks)
        if (pick.stride.values[w] % width != 0) return false;
      return std::ranges::all_of(access.subscripts, [&](const Subscript& each) {
        return each.axis == inner || each.stride.values[w] % width == 0;
      });
    };
    for (const Instruction& i : region.code)
      if (i.form == Form::load && !fine(i.access)) return false;
    for (const RegionStore& store : region.stores) {
      Access whole = store.access;  // of a part, which may begin in the middle of a vector
      for (const Window& window : std::exchange(whole.windows, {}))
        if (window.shift.values[w] * window.stride.values[w] % width != 0) return false;
      if (!fine(whole)) return false;
    }
  }
  return true;
}

namespace {

// Whether something is worth its place in the caches that what is done with would take: rows that are gone through
// again, neighbouring windows, lines that are written piece by piece. Elsewhere the hint is only a cost (an H200, x *
// sigmoid(x) over 6.4 GB: 3.02 ms without it, 3.11 with it).
bool meets_again(const Region& region, const Schedule& s) {
  if (region.reduced == 0) return has_windows(region) || turned_by_tiles(region).has_value();
  if (s.sketch == Sketch::split) return s.overlap;
  return !s.hold && parts(region, s.joint).size() + (stores_rows(region) ? 1 : 0) > 1;
}

Schedule chosen_gpu_schedule(const Region& region, const CacheFacts& machine) {
  Schedule s;
  s.unroll = 4;
  std::uint64_t all = 0;
  for (std::size_t a = 0; a < region.axes.size(); ++a) all |= bit_of(a);
  const std::int64_t rows = region.extent_of(all & ~region.reduced).values[0];
  const std::int64_t length = region.extent_of(region.reduced).values[0];
  s.streaming = bytes_moved(region) > machine.l2_bytes;
  if (region.reduced == 0) {
    s.sketch = Sketch::flat;
    if (turned_by_tiles(region)) {
      s.block = {256};
      for (s.unroll = 8; s.unroll > 1 && !illegal_on_gpu(region, s).empty();) s.unroll /= 2;
      return s;
    }
    s.block = {128, 256};
    s.width = width_for(region, s);
    // Sixteen bytes a thread: more are under way in the blocks beside it (an H200: 3.01 to 3.03 ms; with four times as
    // many a thread 3.09 to 3.11).
    s.unroll = 4 / s.width;
    const std::int64_t row = region.axes.empty() ? 1 : region.axes.back().extent.values[0];
    s.across = region.axes.size() > 1 && row < 2048;
    if (loads_of_rows(region) < many_loads_of_rows) return s;
    // What does not change along a row, the weights of a window, is loaded once where a block stays in one.
    s.unroll = 1;
    for (const std::int64_t threads : {64, 128, 256, 512}) {
      const std::int64_t each = threads * s.width;
      if ((row + each - 1) / each * each * 8 > row * 9) continue;
      s.block = {threads};
      s.across = false;
    }
    return s;
  }
  if (!region.is_reduced(static_cast<int>(region.axes.size()) - 1)) return columns_schedule(region, s, length);
  s.sketch = Sketch::split;
  s.block = {512, 256};
  s.resident = 4 * machine.sms;
  s.joint = !joints(region).empty();
  s.width = width_for(region, s);
  const bool few = rows < 8 * machine.sms && length >= 65536, very_few = rows < machine.sms && length >= 16384;
  if ((few || very_few) && illegal_on_gpu(region, s).empty()) {
    // A launch a pass, even where L2 holds two rows (an H200, group norm, rows of 8.4 MB: 5.43 ms, and 5.62 in one
    // launch that reads them once). Of fewer elements a block that stores would spend its time on joining what the
    // passes before left (8192: 6.38 ms).
    s.chunk = 32768;
    return s;
  }
  s.joint = false;
  s.resident = 0;
  return rows_schedule(region, s, length);
}

}  // namespace

Schedule default_gpu_schedule(const Region& region, const CacheFacts& machine) {
  Schedule s = chosen_gpu_schedule(region, machine);
  s.streaming = s.streaming && meets_again(region, s);
  return s;
}

std::string illegal_on_gpu(const Region& region, const Schedule& s) {
  if (s.sketch == Sketch::product || s.sketch == Sketch::attention)
    return "products of matrices are left to the library";
  const bool inner_reduced = !region.axes.empty() && region.is_reduced(static_cast<int>(region.axes.size()) - 1);
  if (s.block.empty() || std::ranges::any_of(s.block, [](std::int64_t threads) {
        return threads < 32 || threads > 1024 || !is_power_of_two(threads);
      }))
    return "a block has 32 to 1024 threads, a power of two";
  if (s.unroll < 1 || s.unroll > 16) return "1 to 16 loads under way";
  if (s.width != 1 && s.width != 2 && s.width != 4) return "1, 2 or 4 elements are loaded at once";
  if (!vectorisable(region, s, s.width)) return "not every row is made of whole vectors";
  if (!is_power_of_two(s.lanes) || s.lanes > whole_block) return "threads that share work are a power of two";
  if (s.resident < 0 || s.resident > 1 << 20) return "a launch is for up to 1048576 blocks";
  if (s.joint && (s.sketch == Sketch::flat || s.hold || joints(region).empty()))
    return "no reductions that could share a pass";
  if (s.keep && (!s.hold || s.sketch != Sketch::rows || !std::has_single_bit(region.reduced) || !kept_value(region, s)))
    return "no pass computes anything worth keeping";
  if (s.hold && s.sketch != Sketch::rows && s.sketch != Sketch::columns) return "no row that could stay in registers";
  if (s.overlap && (s.sketch != Sketch::split || !stores_rows(region))) return "no passes that could overlap";
  if (s.across && (s.sketch != Sketch::flat || region.axes.size() < 2)) return "no ends of rows";
  if (s.ahead) return "rows are not fetched ahead";
  if (s.sketch == Sketch::flat) {
    if (region.reduced != 0) return "the region reduces";
    const auto lies = turned_by_tiles(region);
    return lies ? illegal_tile(region, *lies, s) : "";
  }
  if (region.reduced == 0) return "the region does not reduce";
  if ((s.sketch == Sketch::columns) == inner_reduced)
    return inner_reduced ? "the innermost axis is reduced" : "the innermost axis is kept";
  if (s.sketch == Sketch::columns &&
      std::ranges::any_of(s.block, [&](std::int64_t threads) { return threads / s.lanes < 8; }))
    return "fewer than 8 columns a block";
  if (s.sketch == Sketch::split) {
    if (s.resident < 1) return "rows are cut up for at least one block";
    if (s.chunk < 1024 || s.chunk > 1 << 20) return "a ticket, or a block that stores, has 1024 to 1048576 elements";
    for (const Instruction& i : region.code)
      if (i.form == Form::reduce && (i.reduce == ReduceOp::prod || is_position(i.reduce)))
        return "products and positions are not split";
    return "";
  }
  if (largest(region.extent_of(region.reduced)) >> 31 != 0) return "rows of 2147483648 elements or more";
  if (s.sketch == Sketch::rows && s.lanes > 32 && s.lanes != whole_block)
    return "a row is for threads of one warp, or for a whole block";
  if (s.hold && !fits(region, s)) return "the registers do not hold a row";
  return "";
}

}  // namespace kerf
