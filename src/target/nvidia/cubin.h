// What a compiled CUDA kernel consists of, read from the cubin itself (ELF). The bytes are untrusted: a compiler that
// was fed by a candidate wrote them. Where no document of NVIDIA's names a field, it was found by compiling kernels
// with known properties (tests/integration/cuda_test.cc compares it again).
#pragma once

#include <array>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace kerf {

struct KernelParameter {
  int offset = 0;  // in the parameter area
  int size = 0;    // bytes
};

struct CubinKernel {
  std::string name;  // as the linker knows it: mangled unless extern "C"
  int registers = 0;
  std::int64_t shared_bytes = 0;  // static, without what the system reserves
  std::int64_t local_bytes = 0;   // stack frame of a thread: arrays and spills
  std::int64_t code_bytes = 0;
  std::vector<KernelParameter> parameters = {};  // in the order of declaration
  std::array<int, 3> max_threads{};              // __launch_bounds__; zeros if there are none
};

struct Cubin {
  int architecture = 0;  // 90
  std::vector<CubinKernel> kernels;
};

// Kind system: these are no bytes of a cubin.
[[nodiscard]] Result<Cubin> read_cubin(std::string_view bytes);
// Digest of what of a cubin takes part in a run, and of which parts of it `kernels` (as the linker knows them) are, in
// their order. Names, notes and debug information are no part of it.
[[nodiscard]] Result<std::string> code_of_cubin(std::string_view bytes, std::span<const std::string> kernels);
[[nodiscard]] nlohmann::json to_json(const CubinKernel& kernel);
[[nodiscard]] Result<CubinKernel> cubin_kernel_from(const nlohmann::json& json);

// Shared memory that the system keeps of every block since sm_90; the sections count it.
inline constexpr std::int64_t reserved_shared_bytes = 1024;

}  // namespace kerf
