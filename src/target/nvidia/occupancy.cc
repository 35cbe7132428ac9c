#include "target/nvidia/occupancy.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

namespace kerf {
namespace {

constexpr int warp_threads = 32, partitions = 4, register_unit = 256;
constexpr std::int64_t shared_unit = 128;

template <class T>
constexpr T round_up(T value, T unit) {
  return (value + unit - 1) / unit * unit;
}

}  // namespace

Occupancy occupancy(const GpuLimits& gpu, int threads, int registers, std::int64_t shared_bytes) {
  if (threads < 1 || threads > gpu.threads_per_block || registers > gpu.registers_per_thread || shared_bytes < 0)
    return {};
  constexpr int unlimited = std::numeric_limits<int>::max();
  const int warps = (threads + warp_threads - 1) / warp_threads;
  int by_registers = unlimited;
  if (registers > 0) {
    const int per_warp = round_up(registers * warp_threads, register_unit);
    const int warps_that_fit = gpu.registers_per_sm / partitions / per_warp * partitions;
    by_registers = per_warp * round_up(warps, partitions) > gpu.registers_per_sm ? 0 : warps_that_fit / warps;
  }
  const std::int64_t shared = round_up(shared_bytes + gpu.reserved_shared_bytes, shared_unit);
  const int by_shared = shared == 0 ? unlimited : static_cast<int>(gpu.shared_per_sm / shared);
  // In this order where two are equal: a full SM is not short of registers.
  const std::array<std::pair<int, const char*>, 4> limits = {{{gpu.warps_per_sm / warps, "warps"},
                                                              {gpu.blocks_per_sm, "blocks"},
                                                              {by_registers, "registers"},
                                                              {by_shared, "shared memory"}}};
  const auto& least = *std::ranges::min_element(limits, {}, &std::pair<int, const char*>::first);
  return {.blocks = least.first,
          .warps = least.first * warps,
          .fraction = static_cast<double>(least.first * warps) / gpu.warps_per_sm,
          .by_warps = limits[0].first,
          .by_blocks = limits[1].first,
          .by_registers = limits[2].first,
          .by_shared = limits[3].first,
          .limited_by = least.second};
}

}  // namespace kerf
