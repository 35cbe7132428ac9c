#include <cstddef>
#include <cstdint>
#include <string_view>

#include "evaluate/profile/torch_trace.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  constexpr std::size_t most = std::size_t{1} << 20;
  if (const auto text = kerf::unpacked(bytes, most)) static_cast<void>(kerf::read_torch_trace(*text));
  return 0;
}
