// Changes of a GPU's schedule, by name.
#pragma once

#include <string>
#include <vector>

#include "synthesize/builtin/schedule.h"

namespace kerf {

struct GpuMove {
  std::string name;     // see docs/synthesizer.md
  std::string because;  // one sentence
  Schedule schedule;
};

// Every change whose precondition holds; all results are legal.
[[nodiscard]] std::vector<GpuMove> gpu_moves(const Region& region, const Schedule& now, const CacheFacts& machine);
// The same for schedules of Triton's programs (triton_schedule.h).
[[nodiscard]] std::vector<GpuMove> triton_moves(const Region& region, const Schedule& now, const CacheFacts& machine);

}  // namespace kerf
