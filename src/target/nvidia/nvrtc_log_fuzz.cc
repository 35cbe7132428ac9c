// Whatever NVRTC says of whatever candidate is read without harm.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "target/nvidia/nvrtc.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  const std::size_t cut = all.find('\xff');  // parts the input in two
  const std::string_view log = all.substr(0, cut), candidate = cut == all.npos ? log : all.substr(cut + 1);
  for (const kerf::CompilerMessage& message : kerf::read_nvrtc_log(log, candidate)) {
    if (message.at.line < 1 || message.at.column < 1) __builtin_trap();
  }
  return 0;
}
