// What a schedule makes of a region, counted and not measured: how often memory is passed over and what answers, what
// is computed, how it is dealt out. Pure functions of region, schedule and machine, at the primary workload's sizes.
#pragma once

#include <cstdint>
#include <set>
#include <vector>

#include "synthesize/builtin/cost/machine.h"
#include "synthesize/builtin/ir.h"
#include "synthesize/builtin/schedule.h"

namespace kerf {

// One pass over a region's elements, in rounds of one vector of 16 lanes.
struct CountedPass {
  std::set<int> values;   // instructions that are evaluated in every round, loads among them
  double rounds = 0;      // tails included
  double operations = 0;  // vector operations of a round
  double functions = 0;   // those of exp, log, quotients … among them
  double chain = 0;       // cycles until the next round of the same accumulator can add its own, 0 where none waits
  double strided = 0;     // elements of a round that are loaded or stored one by one
};
// Of a schedule in C++, in the order in which they run; the last one stores.
[[nodiscard]] std::vector<CountedPass> counted_passes(const Region& region, const Schedule& schedule);

// One group of a recipe. Bytes are those of all threads together.
struct Work {
  double launches = 0;
  double tasks = 0;     // of all launches
  double uneven = 1;    // what the busiest thread (SM) does, over the mean
  double read = 0;      // distinct bytes
  double written = 0;   // through the caches
  double streamed = 0;  // written around them
  double again_l1 = 0, again_l2 = 0, again_l3 = 0, again_memory = 0;  // read by a later pass, by what still holds them
  double operations = 0;                                              // vector operations
  double functions = 0;                                               // those in functions
  double waiting = 0;    // cycles in which a reduction waits for its own last round
  double rows = 0;       // beginnings and ends of a row in a pass: pointers, totals that are joined
  double strided = 0;    // elements that are loaded or stored one by one
  double occupancy = 1;  // GPUs: warps that an SM has at a time, of those that it could
  double in_flight = 0;  // GPUs: bytes under way of an SM
};
[[nodiscard]] Work work_of(const Region& region, const Schedule& schedule, const MachineModel& machine);

// Where its tensors come from: bytes that no cache holds, and that only L3, or L2, does. The rest of a step's time.
struct Traffic {
  double memory = 0, l3 = 0, l2 = 0;
};
// Nanoseconds that memory and caches take by themselves.
[[nodiscard]] double memory_time(const Work& work, const Traffic& traffic, const MachineModel& machine);
// Seconds of a step. Memory and arithmetic overlap, but not wholly.
[[nodiscard]] double seconds_of(const Work& work, const Traffic& traffic, const MachineModel& machine);

// Cycles of all threads in which a CPU computes.
inline constexpr double cycles_of_a_row = 40;  // loop set-up, joining lanes, a scalar result
[[nodiscard]] double cycles_of(const Work& work);

// How many of `tasks` the busiest of `threads` has, over the mean.
[[nodiscard]] double unevenness(double tasks, double threads);

}  // namespace kerf
