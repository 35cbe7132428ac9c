// How many blocks and warps of a kernel an SM holds at a time.
#pragma once

#include <cstdint>
#include <string>

#include "target/target.h"

namespace kerf {

struct Occupancy {
  int blocks = 0;                                                    // on one SM; 0: a block does not fit
  int warps = 0;                                                     // on one SM
  double fraction = 0;                                               // of the warps that an SM can hold
  int by_warps = 0, by_blocks = 0, by_registers = 0, by_shared = 0;  // blocks, if nothing else limited them
  std::string limited_by;  // "registers", "shared memory", "warps" or "blocks": what runs out first
};

// After the formulas of NVIDIA's occupancy calculator (CUDA Occupancy API, cuda_occupancy.h): registers are given out a
// warp, in units of `register_unit`, to one of four partitions; shared memory a block, in units of `shared_unit`, what
// the system reserves included.
[[nodiscard]] Occupancy occupancy(const GpuLimits& gpu, int threads, int registers, std::int64_t shared_bytes);

}  // namespace kerf
