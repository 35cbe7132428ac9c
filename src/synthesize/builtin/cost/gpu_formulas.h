// Formulas of GPUs (gpu_schedule.h, triton_schedule.h): how many warps an SM has at a time, how much they have under
// way, how evenly blocks fill the device.
#pragma once

#include "synthesize/builtin/cost/formulas.h"

namespace kerf {

// Registers that a thread needs, roughly: addresses and counters, what it loads before it uses the first, what it
// holds.
[[nodiscard]] double registers_of(const Region& region, const Schedule& schedule, Language language);
// Warps that an SM has at a time, of those that it could have; 1 at most.
[[nodiscard]] double occupancy_of(double registers, double threads, const MachineModel& machine);
[[nodiscard]] Work gpu_work_of(const Region& region, const Schedule& schedule, const MachineModel& machine);
// The part of its bandwidth that memory reaches with so many bytes under way (Little's law: an H100 needs some 40 KB an
// SM).
[[nodiscard]] double gpu_memory_efficiency(const Work& work);

}  // namespace kerf
