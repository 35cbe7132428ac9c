// Norms over rows that no program holds, in steps.
#pragma once

#include <cstdint>

#include "synthesize/general.h"

namespace kerf {

// What is long, of the primary workload.
struct LongRows {
  std::int64_t held = 16384;     // elements of a row that a program has in registers
  std::int64_t large = 1 << 21;  // elements of a tensor that is worth the launches
  std::int64_t programs = 264;   // two an SM
};

// The graph with group and batch norms whose rows are long as moments of pieces, what joins them, and a pass that only
// scales and shifts, which kernels around it take in. What a norm normalises is computed anew for the pass that scales,
// where it follows element by element from a call's result. docs/synthesizer.md says why.
[[nodiscard]] GeneralGraph with_statistics_apart(GeneralGraph graph, const LongRows& limits = {});

}  // namespace kerf
