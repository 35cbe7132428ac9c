// How regions with scans are worked off, in every language. What a Schedule's fields mean there:
//   sketch      rows     the scanned axis is the innermost: whole rows, from one end to the other
//               columns  it is another one: a block of columns, a step along the axis after the other
//               split    few rows: pieces of them. One launch leaves what each piece comes to in f64 scratch, the next
//                        scans each piece from what those before it come to
//   block       C++: elements of a task, a piece or a block of columns; GPUs: threads of a block
//   unroll      C++: vectors of columns a round; GPUs: loads of a thread that are under way before it uses the first.
//               Triton: elements of a tile that a thread has
//   width       GPUs: neighbours in memory that a thread has
//   lanes       GPUs: threads that share a row, of one warp
//   resident    GPUs, split: warps (Triton: programs) that the rows are cut up for
//   turned      Triton, scans from the end: positions within a tile fall, so that the tile is scanned forward
//   streaming   as everywhere
#pragma once

#include <string>
#include <vector>

#include "synthesize/builtin/gpu_moves.h"
#include "synthesize/builtin/schedule.h"

namespace kerf {

[[nodiscard]] Schedule default_scan_schedule(const Region& region, const CacheFacts& machine);
[[nodiscard]] std::string illegal_scan(const Region& region, const Schedule& schedule, Language language);
// Every change whose precondition holds; all results are legal. In every language.
[[nodiscard]] std::vector<GpuMove> scan_moves(const Region& region, const Schedule& now, const CacheFacts& machine);

}  // namespace kerf
