// What runs candidates: a descriptor from targets/NAME.toml, and the facts of the machine at hand.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace kerf {

struct CacheLevel {
  int level = 0;
  std::string kind;        // "data" or "unified"
  std::int64_t bytes = 0;  // of one instance
  int shared_by = 1;       // logical CPUs
  int line = 64;           // bytes
};

struct MachineFacts {
  std::string architecture;  // x86_64, aarch64
  std::string model;
  int cores = 1;  // logical CPUs that this process may use
  std::vector<CacheLevel> caches;
  std::vector<std::string> isa;  // what kernels care about: avx2, fma, avx512f, …
  double mhz = 0;                // as the system states it; 0 where it does not
  std::int64_t memory_bytes = 0;
};

// This machine, from /proc and /sys. What they do not say stays empty.
[[nodiscard]] MachineFacts detect_machine();
// Model, cores and caches: two machines of one identity share calibrations. 16 hexadecimal digits.
[[nodiscard]] std::string machine_identity(const MachineFacts& machine);
[[nodiscard]] nlohmann::json to_json(const MachineFacts& machine);

// The parts of detect_machine that read text.
void read_cpuinfo(std::string_view text, MachineFacts& machine);
[[nodiscard]] std::int64_t read_size(std::string_view text);  // "32768K" -> 33554432; 0 if it is no size

// What a GPU can hold, per SM and per block; bytes where nothing else is said.
struct GpuLimits {
  std::string architecture;  // that NVRTC compiles for: sm_90a
  int sms = 0;
  int threads_per_block = 0;
  int warps_per_sm = 0, blocks_per_sm = 0;
  int registers_per_sm = 0, registers_per_thread = 0;
  std::int64_t shared_per_sm = 0, shared_per_block = 0;  // the latter: static and dynamic together, as a kernel may ask
  std::int64_t reserved_shared_bytes = 0;                // of every block, for the system
  std::int64_t l2_bytes = 0;
  std::int64_t grid_x = 0, grid_yz = 0;  // largest extents
  std::int64_t block_xy = 0, block_z = 0;
};

struct Target {
  std::string name;              // cpu
  std::string description = {};  // one line
  std::vector<std::string> languages = {};
  int vector_bytes = 0;                  // of the prelude's vectors
  int alignment = 64;                    // bytes, of tensors
  std::int64_t stack_bytes = 0;          // of a task
  std::vector<std::string> advice = {};  // facts worth telling whoever writes a kernel
  std::optional<GpuLimits> gpu = {};
};
[[nodiscard]] Result<Target> parse_target(std::string_view toml, const std::string& name);
[[nodiscard]] Result<Target> load_target(const std::string& name);
[[nodiscard]] nlohmann::json to_json(const Target& target);

}  // namespace kerf
