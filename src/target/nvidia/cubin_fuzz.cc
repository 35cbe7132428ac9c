// Bytes to kernels: whatever they are, the reader answers.
#include <array>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string_view>

#include "target/nvidia/cubin.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto cubin = kerf::read_cubin({reinterpret_cast<const char*>(data), size});
  if (!cubin) return 0;
  for (const auto& kernel : cubin->kernels) {
    const auto again = kerf::cubin_kernel_from(kerf::to_json(kernel));
    if (!again || again->parameters.size() != kernel.parameters.size()) __builtin_trap();
    (void)kerf::code_of_cubin({reinterpret_cast<const char*>(data), size}, std::array{kernel.name});
  }
  return 0;
}
