// Any text as a CUDA candidate that is made ready for the emulation: what comes out has the same lines, or says where
// they are.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "target/nvidia/emulated_source.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto made = kerf::emulated_source(text);
  if (!made) {
    if (made.error().message.empty()) __builtin_trap();
    return 0;
  }
  if (!made->contains("#line ") && std::ranges::count(*made, '\n') != std::ranges::count(text, '\n')) __builtin_trap();
  return 0;
}
