// Schedules of Triton's programs, which work tiles off; who of a program's threads does what is the compiler's choice.
// What a Schedule's fields mean there:
//   sketch      flat     a tile of `block * width * unroll` elements, one after another in memory; of two
//                        dimensions where tensors lie across one another (turned.h)
//               rows     `lanes` threads a row: block / lanes rows a tile; whole_block: one row
//               columns  `lanes` threads a column: tiles of block / lanes * width columns
//               split    rows are cut up between programs; partial results in f64 scratch, joined by the next launch.
//                        Where the innermost axis is kept, tiles are those of columns, and a launch of its own joins
//               product  a tile of results, as a sum over tiles of both factors; `pieces` > 1: of a part of what is
//                        summed, joined by the next launch
//               attention  a tile of rows, in a loop over tiles of columns
//   ahead       attention: the mask is read once before, to end where nothing weighs anything any more
//   block       threads of a program, 32 times its warps; several: a tune axis of the candidate
//   width       flat, columns: neighbours in memory that a thread should have
//   unroll      elements (flat: vectors) of a tile that a thread has along what is looped over
//   hold        rows, columns: a tile is as long as a row, nothing is loaded twice; otherwise a loop over tiles a pass
//   stages      rounds of such a loop whose loads are under way at a time (`num_stages` of tl.range)
//   streaming, joint, across as on other GPUs (gpu_schedule.h)
//   resident    flat, rows, columns: programs that work off the launch in a loop, 0 for as many as there is work;
//               split: programs that a launch is cut up into
#pragma once

#include <cstdint>
#include <string>

#include "synthesize/builtin/schedule.h"

namespace kerf {

[[nodiscard]] Schedule default_triton_schedule(const Region& region, const CacheFacts& machine);
[[nodiscard]] std::string illegal_in_triton(const Region& region, const Schedule& schedule);

}  // namespace kerf
