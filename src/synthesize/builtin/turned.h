// Tensors that lie across the others of a region: an access of which another axis than the innermost runs along memory.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "synthesize/builtin/ir.h"

namespace kerf {

// Longest blocks of which what lies across is turned on the stack, 16 rows at a time.
inline constexpr std::int64_t max_turned = 4096;

struct Turned {
  int axis = 0;            // that runs along memory
  std::vector<int> loads;  // which lie so, as instructions
  bool windows = false;    // windows move over what lies so: values are computed in its order
};

// nullopt where all loads lie as the region's axes do, or where they disagree. What windows move over is left out.
[[nodiscard]] std::optional<Turned> turned(const Region& region);

// Whether a load has neighbours of another axis closer together than those of the innermost one, in the primary
// workload; windows included, whatever their steps.
[[nodiscard]] bool reads_across(const Region& region);

// Of regions without reductions whose stores all change along the innermost axis, windows included: what lies across is
// worked off by tiles. Tensors that windows move over all lie alike, or count as lying as the region's axes do.
[[nodiscard]] std::optional<Turned> turned_by_tiles(const Region& region);

// A tile: `height` neighbours along the axis that is turned, `breadth` along all axes inside of it together.
struct TurnedTile {
  std::int64_t height = 0, breadth = 0;  // powers of two, up to 128
};
// About `elements` (a power of two) of the primary workload.
[[nodiscard]] TurnedTile turned_tile(const Region& region, const Turned& turned, std::int64_t elements);

}  // namespace kerf
