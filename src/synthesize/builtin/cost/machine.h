// What a machine can do, as cost formulas need it: its caches, and the rates that `kerf doctor --calibrate` measured.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "synthesize/builtin/schedule.h"

namespace kerf {

// Bandwidths in 10^9 bytes a second, all threads (a GPU: all SMs) together. The defaults are those of two cores of a
// server: where nothing was measured, only orders count.
struct MachineModel {
  CacheFacts caches;
  double l2_read = 100, l3_read = 40;
  double memory_read = 20;
  double memory_write = 10;   // through the caches: lines are read to be overwritten
  double memory_stream = 12;  // around them
  double vectors = 2.5;  // 10^9 vector operations a second of one thread, of 16 lanes; of a GPU: of one SM, a warp's
  double launch_us = 3;
  // GPUs, an SM.
  int warps_per_sm = 64, blocks_per_sm = 32, registers_per_sm = 65536;
  [[nodiscard]] bool gpu() const { return caches.language != Language::cpp; }
};

// From a request's target: its descriptor, "machine", "threads", and "calibration" (target/cpu/roofline.h), of which
// medians are taken: what a kernel can expect, not the best that was ever seen.
[[nodiscard]] MachineModel machine_model(const nlohmann::json& target, Language language);

}  // namespace kerf
