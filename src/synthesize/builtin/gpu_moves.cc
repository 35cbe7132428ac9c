#include "synthesize/builtin/gpu_moves.h"

#include <fmt/format.h>

#include <algorithm>

#include "synthesize/builtin/gpu_schedule.h"
#include "synthesize/builtin/passes.h"

namespace kerf {
namespace {

class Mover {
 public:
  Mover(const Region& region, const Schedule& now, const CacheFacts& machine)
      : region_(region), now_(now), machine_(machine) {}

  std::vector<GpuMove> run() {
    blocks();
    loads();
    if (now_.sketch == Sketch::rows || now_.sketch == Sketch::split) rows();
    if (now_.sketch == Sketch::columns) columns();
    passes();
    return std::move(found_);
  }

 private:
  void change(const char* name, const std::string& because, auto&& edit) {
    Schedule s = now_;
    edit(s);
    if (s == now_ || !illegal_on_gpu(region_, s).empty()) return;
    found_.push_back({name, because, s});
  }

  void blocks() {
    for (const std::int64_t threads : {128, 256, 512, 1024})
      if (std::ranges::find(now_.block, threads) == now_.block.end())
        change("block_size", fmt::format("blocks of {} threads", threads), [&](Schedule& s) { s.block = {threads}; });
    if (now_.sketch == Sketch::split) {
      if (now_.overlap || stores_rows(region_))
        for (const std::int64_t chunk : {4096, 8192, 16384, 32768, 65536})
          if (chunk != now_.chunk)
            change("ticket",
                   now_.overlap ? fmt::format("a ticket is for {} elements", chunk)
                                : fmt::format("a block that stores has {} elements", chunk),
                   [&](Schedule& s) { s.chunk = chunk; });
      if (now_.overlap) return;
      for (const std::int64_t each : {2, 4, 8, 16})
        change("split_rows", fmt::format("cut up for {} blocks an SM", each),
               [&](Schedule& s) { s.resident = each * machine_.sms; });
      return;
    }
    change("persistent", now_.resident ? "as many blocks as there is work" : "a few blocks an SM do all the work",
           [&](Schedule& s) { s.resident = now_.resident ? 0 : 2048 / now_.block.front() * machine_.sms; });
  }

  void loads() {
    for (const std::int64_t width : {4, 2, 1})
      if (width != now_.width)
        change("vector_loads", fmt::format("{} bytes a load", 4 * width), [&](Schedule& s) { s.width = width; });
    if (!now_.hold)
      for (const std::int64_t unroll : {1, 2, 4, 8})
        if (unroll != now_.unroll)
          change("loads_in_flight", fmt::format("{} loads of a thread under way", unroll),
                 [&](Schedule& s) { s.unroll = unroll; });
    change("evict_first",
           now_.streaming ? "the caches keep what they like" : "what is done with leaves the caches first",
           [](Schedule& s) { s.streaming = !s.streaming; });
    if (now_.sketch == Sketch::flat)
      change("across_rows", now_.across ? "a block stays in one row" : "blocks run on over the ends of rows",
             [](Schedule& s) { s.across = !s.across; });
  }

  void rows() {
    change("split_rows", now_.sketch == Sketch::split ? "whole rows a block" : "rows are cut up between blocks",
           [&](Schedule& s) {
             const bool whole = now_.sketch == Sketch::split;
             s.sketch = whole ? Sketch::rows : Sketch::split;
             s.lanes = whole_block;
             s.block = {512};
             s.resident = whole ? 0 : 4 * machine_.sms;
             s.hold = s.keep = s.overlap = s.streaming = false;
             s.chunk = 32768;
             s.joint = !joints(region_).empty();
             s.unroll = 4;
           });
    if (now_.sketch == Sketch::split) {
      change("overlap", now_.overlap ? "a launch a pass" : "passes over neighbouring rows side by side, through L2",
             [&](Schedule& s) {
               s.overlap = s.streaming = !s.overlap;
               s.chunk = s.overlap ? 16384 : 32768;
             });
      return;
    }
    for (const std::int64_t lanes : {8, 16, 32, static_cast<int>(whole_block)})
      if (lanes != now_.lanes)
        change("row_lanes",
               lanes > 32 ? std::string("a block a row") : fmt::format("{} threads a row, several rows a block", lanes),
               [&](Schedule& s) {
                 s.lanes = lanes;
                 if (lanes <= 32) s.block = {256};
               });
    hold();
  }

  void columns() {
    for (const std::int64_t lanes : {1, 2, 4, 8, 16, 32})
      if (lanes != now_.lanes)
        change("column_lanes", fmt::format("{} threads a column", lanes), [&](Schedule& s) {
          s.lanes = lanes;
          s.block = {std::clamp<std::int64_t>(32 * lanes, 128, 1024)};
        });
    hold();
  }

  void hold() {
    change("registers", now_.hold ? "each pass loads again" : "a row stays in registers between passes",
           [&](Schedule& s) {
             s.hold = !s.hold;
             s.joint = !s.hold && !joints(region_).empty();
             s.keep = false;
             if (!s.hold) s.unroll = 4;
           });
  }

  void passes() {
    change("passes", now_.joint ? "reductions in passes of their own" : "reductions that need one another in one pass",
           [](Schedule& s) { s.joint = !s.joint; });
    change("passes", now_.keep ? "passes compute again what they need" : "what a pass computed is kept",
           [](Schedule& s) { s.keep = !s.keep; });
  }

  const Region& region_;
  const Schedule& now_;
  const CacheFacts& machine_;
  std::vector<GpuMove> found_;
};

}  // namespace

std::vector<GpuMove> gpu_moves(const Region& region, const Schedule& now, const CacheFacts& machine) {
  return Mover(region, now, machine).run();
}

}  // namespace kerf
