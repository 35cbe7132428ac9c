#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "synthesize/builtin/gpu_moves.h"
#include "synthesize/builtin/gpu_schedule.h"
#include "synthesize/builtin/passes.h"
#include "synthesize/builtin/triton_schedule.h"
#include "synthesize/builtin/triton_tiles.h"

namespace kerf {
namespace {

class Mover {
 public:
  Mover(const Region& region, const Schedule& now, const CacheFacts& machine)
      : region_(region), now_(now), machine_(machine) {}

  std::vector<GpuMove> run() {
    if (now_.sketch == Sketch::product) {
      products();
      return std::move(found_);
    }
    if (now_.sketch == Sketch::attention) {
      attention();
      return std::move(found_);
    }
    programs();
    tiles();
    if (now_.sketch == Sketch::rows || (now_.sketch == Sketch::split && !by_columns())) rows();
    if (by_columns()) columns();
    change("passes", now_.joint ? "reductions in passes of their own" : "reductions that need one another in one pass",
           [](Schedule& s) { s.joint = !s.joint; });
    return std::move(found_);
  }

 private:
  [[nodiscard]] bool by_columns() const { return now_.sketch == Sketch::columns || cuts_up_columns(region_, now_); }
  void change(const char* name, const std::string& because, auto&& edit) {
    Schedule s = now_;
    edit(s);
    if (s.stages > 1 && s.stages == now_.stages && !illegal_in_triton(region_, s).empty()) s.stages = 0;
    if (s == now_ || !illegal_in_triton(region_, s).empty()) return;
    found_.push_back({name, because, s});
  }

  void programs() {
    for (const std::int64_t warps : {2, 4, 8, 16, 32})
      if (std::ranges::find(now_.block, 32 * warps) == now_.block.end())
        change("warps", fmt::format("programs of {} warps", warps), [&](Schedule& s) { s.block = {32 * warps}; });
    if (now_.sketch == Sketch::split) {
      for (const std::int64_t each : {2, 4, 8, 16})
        change("split_rows", fmt::format("cut up for {} programs an SM", each),
               [&](Schedule& s) { s.resident = each * machine_.sms; });
    } else {
      change("persistent", now_.resident ? "as many programs as there is work" : "a few programs an SM do all the work",
             [&](Schedule& s) { s.resident = now_.resident ? 0 : 2048 / now_.block.front() * machine_.sms; });
    }
    for (const std::int64_t stages : {0, 2, 3, 4})
      if (stages != now_.stages)
        change("stages",
               stages == 0 ? std::string("nothing is loaded ahead of its round")
                           : fmt::format("the loads of {} rounds under way", stages),
               [&](Schedule& s) { s.stages = stages; });
  }

  void products() {
    static constexpr std::array of = {"rows", "columns", "terms"};
    for (std::size_t d = 0; d < now_.tile.size(); ++d)
      for (const bool larger : {true, false}) {
        const std::int64_t n = larger ? now_.tile[d] * 2 : now_.tile[d] / 2;
        change("tile", fmt::format("tiles of {} {} instead of {}", n, of[d], now_.tile[d]), [&](Schedule& s) {
          s.tile[d] = n;
          if (s.tile[0] * s.tile[1] > 128 * s.block.front()) s.block = {2 * s.block.front()};
          while (s.stages > 2 && !illegal_in_triton(region_, s).empty()) --s.stages;
        });
      }
    for (const std::int64_t warps : {2, 4, 8, 16})
      if (std::ranges::find(now_.block, 32 * warps) == now_.block.end())
        change("warps", fmt::format("programs of {} warps", warps), [&](Schedule& s) { s.block = {32 * warps}; });
    for (const std::int64_t stages : {2, 3, 4, 5})
      if (stages != now_.stages)
        change("stages", fmt::format("the loads of {} rounds under way", stages),
               [&](Schedule& s) { s.stages = stages; });
    for (const std::int64_t pieces : {now_.pieces * 2, now_.pieces / 2, std::int64_t{1}})
      if (pieces >= 1 && pieces != now_.pieces)
        change("split_sum",
               pieces == 1 ? std::string("a program sums all of a result")
                           : fmt::format("each sum is cut up between {} programs", pieces),
               [&](Schedule& s) { s.pieces = pieces; });
    for (const std::int64_t rows : {1, 4, 8, 16})
      if (rows != now_.swizzle)
        change("swizzle", fmt::format("{} rows of tiles side by side", rows), [&](Schedule& s) { s.swizzle = rows; });
    for (const Factors factors :
         {Factors::coarse, Factors::two_parts, Factors::three_parts, Factors::three_parts_before})
      if (factors != now_.factors)
        change("factors",
               factors == Factors::coarse        ? "factors are rounded to TF32"
               : factors == Factors::two_parts   ? "factors in two parts of TF32"
               : factors == Factors::three_parts ? "factors in three parts of bf16"
                                                 : "factors are cut into three parts of bf16 before",
               [&](Schedule& s) { s.factors = factors; });
    change("turn", "the transposed product", [](Schedule& s) {
      s.turned = !s.turned;
      std::swap(s.tile[0], s.tile[1]);
    });
    change("evict_first",
           now_.streaming ? "the caches keep what they like" : "what is done with leaves the caches first",
           [](Schedule& s) { s.streaming = !s.streaming; });
  }

  void attention() {
    static constexpr std::array of = {"rows", "columns"};
    for (std::size_t d = 0; d < of.size(); ++d)
      for (const bool larger : {true, false}) {
        const std::int64_t n = larger ? now_.tile[d] * 2 : now_.tile[d] / 2;
        change("tile", fmt::format("tiles of {} {} instead of {}", n, of[d], now_.tile[d]), [&](Schedule& s) {
          s.tile[d] = n;
          if (!illegal_in_triton(region_, s).empty() && larger) s.block = {2 * s.block.front()};
          while (s.stages > 1 && !illegal_in_triton(region_, s).empty()) --s.stages;
        });
      }
    for (const std::int64_t warps : {4, 8, 16})
      if (std::ranges::find(now_.block, 32 * warps) == now_.block.end())
        change("warps", fmt::format("programs of {} warps", warps), [&](Schedule& s) { s.block = {32 * warps}; });
    for (const std::int64_t stages : {1, 2, 3, 4})
      if (stages != now_.stages)
        change("stages", fmt::format("the loads of {} rounds under way", stages),
               [&](Schedule& s) { s.stages = stages; });
    change("factors",
           now_.factors == Factors::two_parts ? "factors in three parts of bf16" : "factors in two parts of TF32",
           [&](Schedule& s) {
             s.factors = now_.factors == Factors::two_parts ? Factors::three_parts : Factors::two_parts;
           });
    change("skip",
           now_.ahead ? "masks are read where they are needed alone"
                      : "masks are read ahead, to end where nothing weighs anything any more",
           [](Schedule& s) { s.ahead = !s.ahead; });
    change("evict_first",
           now_.streaming ? "the caches keep what they like" : "what is done with leaves the caches first",
           [](Schedule& s) { s.streaming = !s.streaming; });
  }

  void tiles() {
    if (!now_.hold)
      for (const std::int64_t unroll : {1, 2, 4, 8, 16})
        if (unroll != now_.unroll)
          change("tile",
                 fmt::format("tiles of {} elements a thread",
                             unroll * (now_.sketch == Sketch::flat || by_columns() ? now_.width : 1)),
                 [&](Schedule& s) { s.unroll = unroll; });
    change("evict_first",
           now_.streaming ? "the caches keep what they like" : "what is done with leaves the caches first",
           [](Schedule& s) { s.streaming = !s.streaming; });
    if (now_.sketch == Sketch::flat)
      change("across_rows", now_.across ? "a program stays in one row" : "programs run on over the ends of rows",
             [](Schedule& s) { s.across = !s.across; });
  }

  void rows() {
    change("split_rows", now_.sketch == Sketch::split ? "whole rows a program" : "rows are cut up between programs",
           [&](Schedule& s) {
             const bool whole = now_.sketch == Sketch::split;
             s.sketch = whole ? Sketch::rows : Sketch::split;
             s.lanes = whole_block;
             s.block = {512};
             s.resident = whole ? 0 : 4 * machine_.sms;
             s.hold = false;
             s.joint = !joints(region_).empty();
             s.unroll = 8;
           });
    if (now_.sketch == Sketch::split) return;
    for (const std::int64_t lanes : {4, 8, 16, 32, static_cast<int>(whole_block)})
      if (lanes != now_.lanes)
        change("rows_of_a_tile", lanes > 32 ? std::string("a program a row") : fmt::format("{} threads a row", lanes),
               [&](Schedule& s) {
                 s.lanes = lanes;
                 if (lanes <= 32) s.block = {128};
               });
    hold();
  }

  void columns() {
    const bool cut = now_.sketch == Sketch::split;
    change("split_rows", cut ? "all rows of a column a program" : "rows of columns are cut up between programs",
           [&](Schedule& s) {
             s.sketch = cut ? Sketch::columns : Sketch::split;
             s.resident = cut ? 0 : 4 * machine_.sms;
             s.hold = false;
             s.joint = !joints(region_).empty();
             s.unroll = 4;
           });
    for (const std::int64_t lanes : {1, 2, 4, 8, 16, 32})
      if (lanes != now_.lanes && (!cut || lanes > 2))  // few columns are cut up
        change("columns_of_a_tile", fmt::format("{} threads a column", lanes), [&](Schedule& s) { s.lanes = lanes; });
    if (!cut) hold();
  }

  void hold() {
    change("registers", now_.hold ? "each pass loads again" : "a tile is as long as a row, which is loaded once",
           [&](Schedule& s) {
             s.hold = !s.hold;
             s.joint = !s.hold && !joints(region_).empty();
             if (!s.hold) s.unroll = s.sketch == Sketch::columns ? 4 : 8;
           });
  }

  const Region& region_;
  const Schedule& now_;
  const CacheFacts& machine_;
  std::vector<GpuMove> found_;
};

}  // namespace

std::vector<GpuMove> triton_moves(const Region& region, const Schedule& now, const CacheFacts& machine) {
  return Mover(region, now, machine).run();
}

}  // namespace kerf
