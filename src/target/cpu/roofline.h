// The machine's measured limits: the two lines of the roofline model (Williams, Waterman & Patterson, "Roofline: an
// insightful visual performance model for multicore architectures", CACM 2009). Speed of light = max(bytes / bandwidth,
// operations / peak). All figures are the best that was seen, so that a fraction of the speed of light stays below 1.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "target/target.h"

namespace kerf {

// Best and median of several repetitions.
struct Rate {
  double best = 0;
  double median = 0;
};

// Bandwidth of a working set that fits a level, all threads together, in 10^9 bytes a second.
struct LevelBandwidth {
  std::string level;             // "L1", "L2", "L3", "memory"
  std::int64_t working_set = 0;  // bytes, all threads together
  Rate read, write, copy;        // copy counts what is read plus what is written
  Rate stream_write;             // non-temporal; memory only
};

struct Roofline {
  static constexpr int schema = 1;
  std::string machine;  // machine_identity()
  std::string isa;      // of the vectors that were used
  int threads = 1;
  std::vector<LevelBandwidth> levels;
  Rate f32_core, f32_all;  // fused multiply-adds, two operations each, in 10^9 operations a second
  Rate f64_core, f64_all;
  double barrier_us = 0;  // all threads meet: what a launch cannot be cheaper than
  double timer_ns = 0;    // one reading of the monotonic clock
  std::int64_t measured_unix_ms = 0;

  // Best of reading, writing and copying from memory: an upper bound for a cold workload. 10^9 bytes a second.
  [[nodiscard]] double memory_bandwidth() const;
};

// Takes under ten seconds. `progress` is told what is being measured. Threads are pinned to the cores that this process
// may use. Run it on an idle machine: company makes it too low, and a later kernel faster than light.
[[nodiscard]] Result<Roofline> measure_roofline(const MachineFacts& machine,
                                                const std::function<void(std::string_view)>& progress);

[[nodiscard]] nlohmann::json to_json(const Roofline& roofline);
[[nodiscard]] Result<Roofline> roofline_from_json(const nlohmann::json& json);

// In data_directory()/calibration/, one file a machine. Loading gives nullopt where this machine was not calibrated.
[[nodiscard]] Result<> save_roofline(const Roofline& roofline);
[[nodiscard]] Result<std::optional<Roofline>> load_roofline(const MachineFacts& machine);

}  // namespace kerf
