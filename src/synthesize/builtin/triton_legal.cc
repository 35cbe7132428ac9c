// What a schedule for Triton cannot have.
#include <algorithm>

#include "synthesize/builtin/attention.h"
#include "synthesize/builtin/gpu_schedule.h"
#include "synthesize/builtin/passes.h"
#include "synthesize/builtin/powers.h"
#include "synthesize/builtin/products.h"
#include "synthesize/builtin/triton_schedule.h"
#include "synthesize/builtin/triton_tiles.h"
#include "synthesize/builtin/turned.h"

namespace kerf {
namespace {

std::string illegal_product(const Region& region, const Schedule& s) {
  const auto p = product_shape(region);
  if (!p) return "no product of matrices";
  for (const std::int64_t n : s.tile)
    if (!is_power_of_two(n) || n < 16 || n > 256) return "a tile has 16 to 256 rows and columns, a power of two";
  if (s.swizzle < 1 || s.swizzle > 64) return "1 to 64 rows of tiles side by side";
  if (s.pieces < 1 || s.pieces > 1024) return "what is summed is cut into 1 to 1024 pieces";
  if (s.stages < 0 || s.stages > 8) return "0 to 8 stages";
  if (std::ranges::any_of(s.block, [&](std::int64_t threads) { return s.tile[0] * s.tile[1] > 128 * threads; }))
    return "the registers do not hold a tile";
  if (bytes_of_tiles(s) > 220 << 10) return "shared memory does not hold the tiles that are under way";
  if (s.factors == Factors::coarse && !region.code[static_cast<std::size_t>(p->sum)].coarse)
    return "factors that must not be rounded";
  if (s.factors == Factors::three_parts_before && (reads_windows(region, p->left) || reads_windows(region, p->right)))
    return "windows would be written out";
  if (s.resident != 0 || s.joint || s.keep || s.ahead || s.overlap || s.hold || s.across) return "nothing of a product";
  for (const std::uint64_t mask : {p->rows, p->columns, p->inner})
    if (std::ranges::any_of(region.extent_of(mask).values, [](std::int64_t n) { return n >> 31 != 0; }))
      return "matrices of 2147483648 rows or columns and more";
  if (std::ranges::any_of(region.code, [](const Instruction& i) { return !i.access.picks.empty(); }))
    return "elements that are picked";
  return "";
}

std::string illegal_attention(const Region& region, const Schedule& s) {
  const auto p = attention_shape(region);
  if (!p) return "no attention";
  const std::int64_t rows = s.tile[0], columns = s.tile[1], inner = lanes_of(region, p->inner),
                     width = lanes_of(region, p->width);
  for (const std::int64_t n : {rows, columns})
    if (!is_power_of_two(n) || n < 16 || n > 256) return "a tile has 16 to 256 rows and columns, a power of two";
  if (std::max(inner, width) > 256) return "queries or values of more than 256 elements";
  if (s.stages < 0 || s.stages > 8) return "0 to 8 stages";
  if (s.factors != Factors::two_parts && s.factors != Factors::three_parts)
    return "factors in two or three parts, cut in every tile";
  const bool two = s.factors == Factors::two_parts;
  if (std::ranges::any_of(s.block,
                          [&](std::int64_t threads) { return rows * (columns + inner + 2 * width) > 256 * threads; }))
    return "the registers do not hold a tile";
  const std::int64_t under_way = std::max<std::int64_t>(s.stages, 1) * 4, parts = two ? 8 : 6;
  if ((under_way + parts) * columns * (inner + width) + parts * rows * inner > 220 << 10)
    return "shared memory does not hold the tiles that are under way";
  if (s.resident != 0 || s.joint || s.keep || s.overlap || s.hold || s.across || s.turned || s.pieces != 1 ||
      s.swizzle != 1)
    return "nothing of an attention";
  if (s.ahead && (!p->hidden || p->diagonal)) return "no mask that could be read ahead";
  for (const std::uint64_t mask : {p->rows, p->columns})
    if (std::ranges::any_of(region.extent_of(mask).values, [](std::int64_t n) { return n >> 31 != 0; }))
      return "matrices of 2147483648 rows or columns and more";
  return "";
}

}  // namespace

std::string illegal_in_triton(const Region& region, const Schedule& s) {
  const bool inner_reduced = !region.axes.empty() && region.is_reduced(static_cast<int>(region.axes.size()) - 1);
  if (s.block.empty() || std::ranges::any_of(s.block, [](std::int64_t threads) {
        return threads < 32 || threads > 1024 || !is_power_of_two(threads);
      }))
    return "a program has 1 to 32 warps, a power of two";
  if (s.sketch == Sketch::product) return illegal_product(region, s);
  if (s.sketch == Sketch::attention || attention_shape(region)) return illegal_attention(region, s);
  if (!is_power_of_two(s.unroll) || s.unroll > 64) return "a thread has 1 to 64 elements of a tile, a power of two";
  if (s.width != 1 && s.width != 2 && s.width != 4) return "1, 2 or 4 neighbours in memory";
  if (!is_power_of_two(s.lanes) || s.lanes > whole_block) return "threads that share work are a power of two";
  if (s.resident < 0 || s.resident > 1 << 20) return "a launch is for up to 1048576 programs";
  if (s.stages < 0 || s.stages > 8) return "0 to 8 stages";
  if (s.stages > 1 && !loops_over_tiles(s)) return "no loop whose loads could be under way ahead";
  constexpr std::int64_t shared = 200 << 10;  // of 227 KiB that a block may have
  if (s.stages > 1 && staged_bytes(region, s) > shared) return "shared memory does not hold the loads that are ahead";
  if (s.joint && (s.sketch == Sketch::flat || s.hold || joints(region).empty()))
    return "no reductions that could share a pass";
  if (s.keep || s.ahead || s.overlap) return "Triton has no word for it";
  if (s.hold && s.sketch != Sketch::rows && s.sketch != Sketch::columns) return "no row that could be held";
  if (s.across && (s.sketch != Sketch::flat || region.axes.size() < 2)) return "no ends of rows";
  if (s.sketch == Sketch::flat) {
    if (region.reduced != 0) return "the region reduces";
    return s.across && turned_by_tiles(region) ? "what lies across is worked off by tiles" : "";
  }
  if (region.reduced == 0) return "the region does not reduce";
  const bool by_columns = s.sketch == Sketch::columns || cuts_up_columns(region, s);
  if (by_columns == inner_reduced)
    return inner_reduced ? "the innermost axis is reduced" : "the innermost axis is kept";
  if (by_columns && (s.lanes > 64 || std::ranges::any_of(s.block, [&](std::int64_t threads) {
                       return threads / s.lanes * s.width < 4;
                     })))
    return "fewer than 4 columns a program";
  if (s.sketch == Sketch::split) {
    if (s.resident < 1) return "rows are cut up for at least one program";
    for (const Instruction& i : region.code)
      if (i.form == Instruction::Form::reduce && (i.reduce == ReduceOp::prod || is_position(i.reduce)))
        return "products and positions are not split";
    return "";
  }
  if (longest_row(region) >> 31 != 0) return "rows of 2147483648 elements or more";
  if (s.sketch == Sketch::rows && s.lanes > 32 && s.lanes != whole_block)
    return "a row is for threads of one warp, or for a whole program";
  if (!registers_hold_tile(region, s)) return "the registers do not hold a tile";
  return "";
}

}  // namespace kerf
