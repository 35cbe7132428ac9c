// What the tiles of a schedule for Triton take: registers, shared memory.
#pragma once

#include <cstdint>

#include "synthesize/builtin/schedule.h"

namespace kerf {

// Elements of a row in its longest workload.
[[nodiscard]] std::int64_t longest_row(const Region& region);

// Elements of a tile along what is reduced, for `threads` in a program.
[[nodiscard]] std::int64_t tile_length(const Region& region, const Schedule& schedule, std::int64_t threads);
// Sketch split of a region whose innermost axis is kept.
[[nodiscard]] bool cuts_up_columns(const Region& region, const Schedule& schedule);
// Whether some loop has loads that could be under way ahead of their round.
[[nodiscard]] bool loops_over_tiles(const Schedule& schedule);

// Registers of a thread that what is held of rows takes; computed values need as many again. What is loaded by parts of
// a row, as weights by channel are, comes when it is used.
[[nodiscard]] bool registers_hold_tile(const Region& region, const Schedule& schedule);
// Shared memory that the loads of `stages` rounds take, at most: of everything that changes within a tile.
[[nodiscard]] std::int64_t staged_bytes(const Region& region, const Schedule& schedule);

// Of a product: shared memory of the factors' tiles that are under way, and of the parts of the right one, where they
// are cut there.
[[nodiscard]] std::int64_t bytes_of_tiles(const Schedule& schedule);
// Whether a factor is read by windows.
[[nodiscard]] bool reads_windows(const Region& region, int factor);
// Of an attention: lanes of the tile that a matrix of `mask` is along its rows.
[[nodiscard]] std::int64_t lanes_of(const Region& region, std::uint64_t mask);

}  // namespace kerf
