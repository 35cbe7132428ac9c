// Schedules of GPUs. What a Schedule's fields mean there:
//   sketch      flat     a block works `block * width * unroll` elements off, one after another in memory; a tile of
//                        as many where tensors lie across one another (turned.h), an element at a time
//               rows     `lanes` threads a row (1 to 32: several rows a block; whole_block: all threads of one)
//               columns  `lanes` threads a column of `width` elements, block / lanes columns a block
//               split    rows are cut up between blocks; partial results in f64 scratch, joined by the next launch.
//                        `chunk`: elements of a block of the launch that stores rows
//   block       threads of a block; several: a tune axis of the candidate
//   width       elements that a thread loads at once: 1, 2 or 4
//   unroll      such loads of each tensor that a thread has under way before it uses the first
//   streaming   what is read for the last time, and stores, are the first to leave the caches
//   joint       as on the CPU; keep: the costly value of a row that is held stays in registers, too
//   hold        rows, columns: what was loaded of a row stays in registers for the passes that follow
//   resident    flat, rows, columns: blocks that work off the launch in a loop, 0 for as many blocks as there is work;
//               split: blocks that a launch is cut up into
//   overlap     split: one launch. Blocks take tickets: the pass over a row runs beside the pass before it over the
//               next row, so that it reads from L2 what that has loaded from memory. `chunk`: elements of a ticket
//   across      flat: a block's elements run on over the ends of rows
#pragma once

#include <cstdint>
#include <string>

#include "synthesize/builtin/schedule.h"

namespace kerf {

inline constexpr std::int64_t whole_block = 1024;  // as `lanes`

[[nodiscard]] Schedule default_gpu_schedule(const Region& region, const CacheFacts& machine);
[[nodiscard]] std::string illegal_on_gpu(const Region& region, const Schedule& schedule);

// Elements of a tile of sketch flat where tensors lie across one another, in CUDA and in Triton.
[[nodiscard]] std::int64_t tile_elements(const Schedule& schedule);

// Whether `width` elements along the innermost axis can be loaded and stored at once, in the primary workload and every
// other whose rows are made of whole vectors.
[[nodiscard]] bool vectorisable(const Region& region, const Schedule& schedule, std::int64_t width);
// What holds where a row is held: the loads of row and column, in registers of a thread with the most threads of
// `block` (with the fewest where threads share a row by blocks).
[[nodiscard]] bool is_row_load(const Region& region, int value);
// Vectors of a row that one thread works off, of `threads` in a block, in the longest workload.
[[nodiscard]] std::int64_t vectors_a_thread(const Region& region, const Schedule& schedule, std::int64_t threads);
// Whether some store varies along the reduced axes: a pass over the rows follows the reductions.
[[nodiscard]] bool stores_rows(const Region& region);

}  // namespace kerf
