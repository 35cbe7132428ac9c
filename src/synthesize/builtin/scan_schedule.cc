#include "synthesize/builtin/scan_schedule.h"

#include <fmt/format.h>

#include <algorithm>

#include "synthesize/builtin/gpu_schedule.h"
#include "synthesize/builtin/powers.h"

namespace kerf {
namespace {

bool along_rows(const Region& region) { return region.scanned >> (region.axes.size() - 1) != 0; }

std::int64_t length_of(const Region& region) { return region.extent_of(region.scanned).values.at(0); }

// Lines that are scanned.
std::int64_t lines_of(const Region& region) {
  std::uint64_t all = 0;
  for (std::size_t a = 0; a < region.axes.size(); ++a) all |= std::uint64_t{1} << a;
  return region.extent_of(all & ~region.scanned).values.at(0);
}

// Whether what the pieces of a row come to can be told before any of them is scanned.
std::string not_split(const Region& region) {
  if (!along_rows(region)) return "columns are not cut up";
  std::vector<int> open;
  for (const int v : region.scans()) {
    const Instruction& scan = region.code[static_cast<std::size_t>(v)];
    // The product of a piece may overflow, or vanish, where the row's does not.
    if (scan.reduce == ReduceOp::prod) return "products are not cut up";
    open.push_back(scan.operands[0]);
  }
  while (!open.empty()) {
    const Instruction& i = region.code[static_cast<std::size_t>(open.back())];
    open.pop_back();
    if (i.form == Instruction::Form::scan) return "a scan of what is scanned";
    open.insert(open.end(), i.operands.begin(), i.operands.end());
  }
  return "";
}

std::string illegal_in_cpp(const Region& region, const Schedule& s) {
  if (std::ranges::any_of(s.block, [](std::int64_t b) { return b < 16 || b % 16 != 0; }))
    return "a block is a positive multiple of 16 elements";
  if (s.unroll < 1 || s.unroll > 16) return "unroll is 1 to 16";
  if (s.sketch == Sketch::columns && s.block.back() > 8192) return "what is known of columns lies on the stack";
  return s.sketch == Sketch::split ? not_split(region) : "";
}

Schedule cpp_schedule(const Region& region, const CacheFacts& machine) {
  Schedule s;
  s.streaming = bytes_moved(region) > 2 * machine.l2_bytes;
  s.unroll = 1;
  const std::int64_t lines = lines_of(region), length = length_of(region);
  if (!along_rows(region)) {
    s.sketch = Sketch::columns;
    const std::int64_t inner = region.axes.back().extent.values.at(0);
    std::int64_t block = 2048;
    while (block > 64 && lines / inner * ((inner + block - 1) / block) < 4 * machine.threads) block /= 2;
    s.block = {block};
    return s;
  }
  s.sketch = Sketch::split;
  s.block = {16384};
  if (lines < 2 * machine.threads && length >= 65536 && not_split(region).empty()) return s;
  s.sketch = Sketch::rows;
  s.block = {16384};
  return s;
}

// Of a thread in CUDA: what it has loaded, and what is scanned, in rows as doubles, too.
std::int64_t registers_of_a_round(const Region& region, const Schedule& s) {
  const auto scans = static_cast<std::int64_t>(region.scans().size());
  const std::int64_t loads = std::ranges::count_if(region.code, [&](const Instruction& i) {
    return i.form == Instruction::Form::load && (i.axes >> (region.axes.size() - 1) & 1U) != 0;
  });
  return (loads + scans * (s.sketch == Sketch::columns ? 1 : 3)) * s.unroll * s.width;
}

std::string illegal_on_gpus(const Region& region, const Schedule& s, Language language) {
  if (std::ranges::any_of(s.block, [](std::int64_t n) { return n < 32 || n > 1024 || !is_power_of_two(n); }))
    return "a block has 32 to 1024 threads, a power of two";
  if (!is_power_of_two(s.unroll) || s.unroll > 32) return "1 to 32 loads under way, a power of two";
  if (s.width != 1 && s.width != 2 && s.width != 4) return "1, 2 or 4 neighbours in memory";
  if (!is_power_of_two(s.lanes)) return "threads that share a row are a power of two";
  if (std::ranges::any_of(region.extent_of(region.scanned).values, [](std::int64_t n) { return n >> 31 != 0; }))
    return "rows of 2147483648 elements or more";
  if ((s.sketch == Sketch::split) != (s.resident > 0)) return "rows are cut up for at least one warp";
  if (s.resident > 1 << 20) return "a launch is for up to 1048576 warps";
  if (s.sketch == Sketch::split)
    if (const std::string why = not_split(region); !why.empty()) return why;
  if (language == Language::cuda) {
    if (!vectorisable(region, s, s.width)) return "not every row is made of whole vectors";
    if (registers_of_a_round(region, s) > 96) return "the registers do not hold a round";
    if (s.sketch != Sketch::rows) return s.lanes == 1 ? "" : "a row is for threads of one warp";
    if (s.lanes > 32 && s.lanes != whole_block) return "a row is for threads of one warp, or for a whole block";
    // What each warp has of a round is looked at by all threads.
    return s.lanes > 32 && s.block.back() > 512 ? "too many warps" : "";
  }
  if (s.lanes > 32 && (s.lanes != whole_block || s.sketch == Sketch::columns))
    return "a row is for threads of one warp, or for a whole program";
  // A thread's part of a tile, as doubles.
  const std::int64_t each = s.sketch == Sketch::columns ? s.unroll * s.width : s.unroll;
  return each > 32 ? "the registers do not hold a tile" : "";
}

Schedule cuda_schedule(const Region& region, const CacheFacts& machine) {
  Schedule s;
  s.streaming = bytes_moved(region) > machine.l2_bytes;
  s.block = {128};
  const std::int64_t lines = lines_of(region), length = length_of(region);
  const auto widest = [&](std::int64_t most) {
    s.width = 1;
    if (has_windows(region)) return;
    for (const std::int64_t width : {4, 2})
      if (width <= most && vectorisable(region, s, width)) {
        s.width = width;
        return;
      }
  };
  if (!along_rows(region)) {
    s.sketch = Sketch::columns;
    // Loads under way are what a thread has, where threads are few.
    widest(lines >= 8192 * machine.sms ? 4 : 1);
    s.unroll = std::min<std::int64_t>(power_above(length), s.width > 1 ? 8 : 32);
    s.block = {32, 64};
    while (s.unroll > 1 && registers_of_a_round(region, s) > 96) s.unroll /= 2;
    return s;
  }
  s.unroll = 4;
  s.sketch = Sketch::split;
  s.resident = 32 * machine.sms;
  widest(4);
  while (s.unroll > 1 && registers_of_a_round(region, s) > 96) s.unroll /= 2;
  if (lines < 2 * machine.sms && length >= 16384 && illegal_on_gpus(region, s, Language::cuda).empty()) return s;
  s.sketch = Sketch::rows;
  s.resident = 0;
  const std::int64_t vectors = (length + s.width - 1) / s.width;
  if (vectors >= 256) {
    s.lanes = whole_block;
    s.block = {vectors >= 1024 ? 256 : 128};
  } else {
    s.lanes = std::clamp<std::int64_t>(power_above(vectors), 1, 32);
  }
  const std::int64_t sharing = std::min(s.lanes, s.block.front());
  s.unroll = std::clamp<std::int64_t>(power_above((vectors + sharing - 1) / sharing), 1, s.unroll);
  return s;
}

Schedule triton_schedule(const Region& region, const CacheFacts& machine) {
  Schedule s;
  s.streaming = bytes_moved(region) > machine.l2_bytes;
  s.block = {128};
  const std::int64_t lines = lines_of(region), length = power_above(length_of(region));
  if (!along_rows(region)) {
    s.sketch = Sketch::columns;
    const std::int64_t columns = power_above(region.axes.back().extent.values.at(0));
    s.block = {64};
    s.lanes = 2;
    while (s.lanes < 32 && s.block.front() / s.lanes > columns) s.lanes *= 2;
    s.unroll = std::clamp<std::int64_t>(length / s.lanes, 1, 32);
    return s;
  }
  s.unroll = 32;
  s.block = {256};
  // Scans that run backward within a tile cost a third more.
  s.turned = region.code[static_cast<std::size_t>(region.scans().front())].backward;
  s.sketch = Sketch::split;
  s.lanes = whole_block;
  s.resident = 8 * machine.sms;
  if (lines < 2 * machine.sms && length >= 16384 && not_split(region).empty()) return s;
  s.sketch = Sketch::rows;
  s.resident = 0;
  if (length <= 512) {
    s.block = {128};
    s.lanes = std::clamp<std::int64_t>(length / 8, 1, 32);
    s.unroll = std::min<std::int64_t>(16, length / s.lanes);
  } else {
    s.block = {length >= 8192 && !s.turned ? 256 : 128};
    s.unroll = std::min<std::int64_t>(s.turned ? 16 : 32, length / s.block.front());
  }
  return s;
}

}  // namespace

Schedule default_scan_schedule(const Region& region, const CacheFacts& machine) {
  if (machine.language == Language::cpp) return cpp_schedule(region, machine);
  return machine.language == Language::cuda ? cuda_schedule(region, machine) : triton_schedule(region, machine);
}

std::string illegal_scan(const Region& region, const Schedule& s, Language language) {
  if (s.block.empty()) return "a block has elements";
  if (s.joint || s.keep || s.ahead || s.hold || s.overlap || s.across || s.stages != 0)
    return "a scan passes over its rows once";
  if (s.sketch != Sketch::rows && s.sketch != Sketch::columns && s.sketch != Sketch::split)
    return "scans go by rows or columns";
  if ((s.sketch == Sketch::columns) == along_rows(region))
    return along_rows(region) ? "rows are scanned" : "columns are scanned";
  const bool backward = region.code[static_cast<std::size_t>(region.scans().front())].backward;
  if (s.turned && (language != Language::triton || !backward)) return "nothing to turn";
  return language == Language::cpp ? illegal_in_cpp(region, s) : illegal_on_gpus(region, s, language);
}

std::vector<GpuMove> scan_moves(const Region& region, const Schedule& now, const CacheFacts& machine) {
  std::vector<GpuMove> found;
  const auto change = [&](const char* name, const std::string& because, auto&& edit) {
    Schedule s = now;
    edit(s);
    if (s != now && illegal_scan(region, s, machine.language).empty()) found.push_back({name, because, s});
  };
  change("streaming_stores",
         now.streaming ? "results are read soon: stores go through the caches again"
                       : "results leave the caches before they are read: stores go around them",
         [](Schedule& s) { s.streaming = !s.streaming; });
  if (machine.language != Language::cpp) {
    const bool triton = machine.language == Language::triton, rows = now.sketch == Sketch::rows;
    for (const std::int64_t threads : {64, 128, 256, 512})
      change(triton ? "warps" : "block_size", fmt::format("{} threads", threads),
             [&](Schedule& s) { s.block = {threads}; });
    for (const std::int64_t unroll : {1, 2, 4, 8, 16, 32})
      change(triton ? "tile" : "loads_in_flight",
             fmt::format("{} {}", unroll, triton ? "elements of a tile for a thread" : "loads of a thread under way"),
             [&](Schedule& s) { s.unroll = unroll; });
    for (const std::int64_t width : {1, 2, 4})
      if (!triton || now.sketch == Sketch::columns)
        change("vector_loads", fmt::format("{} bytes a load", 4 * width), [&](Schedule& s) {
          if (!triton) s.unroll = std::max<std::int64_t>(1, s.unroll * s.width / width);
          s.width = width;
        });
    for (const std::int64_t lanes : {1, 4, 8, 16, 32, static_cast<int>(whole_block)})
      if (rows || (now.sketch == Sketch::columns && triton))
        change(
            triton ? (rows ? "rows_of_a_tile" : "columns_of_a_tile") : "row_lanes",
            lanes > 32 ? std::string("all threads of a block for a row") : fmt::format("{} threads share one", lanes),
            [&](Schedule& s) { s.lanes = lanes; });
    change("turn", now.turned ? "tiles lie as in memory" : "tiles are read from their end on, and scanned forward",
           [](Schedule& s) { s.turned = !s.turned; });
    for (const std::int64_t each : {16, 32, 64})
      if (now.sketch == Sketch::split)
        change("split_rows", fmt::format("cut up for {} an SM", each),
               [&](Schedule& s) { s.resident = each * machine.sms; });
    change("split_rows", now.sketch == Sketch::split ? "whole rows" : "rows are cut up", [&](Schedule& s) {
      const bool split = s.sketch == Sketch::split;
      s.sketch = split ? Sketch::rows : Sketch::split;
      s.lanes = split || triton ? whole_block : 1;
      s.resident = split ? 0 : 32 * machine.sms;
    });
    return found;
  }
  for (const std::int64_t block : {now.block.front() * 4, now.block.front() / 4 / 16 * 16})
    if (block >= 64 && block <= 1 << 20)
      change(now.sketch == Sketch::rows ? "threads" : "tile",
             fmt::format("tasks of {} elements instead of {}", block, now.block.front()),
             [&](Schedule& s) { s.block = {block}; });
  for (const std::int64_t unroll : {1, 2, 4})
    if (now.sketch == Sketch::columns)
      change("unroll", fmt::format("{} vectors a round", unroll), [&](Schedule& s) { s.unroll = unroll; });
  change("threads", now.sketch == Sketch::split ? "whole rows a task" : "rows are cut up between tasks",
         [](Schedule& s) { s.sketch = s.sketch == Sketch::split ? Sketch::rows : Sketch::split; });
  return found;
}

}  // namespace kerf
