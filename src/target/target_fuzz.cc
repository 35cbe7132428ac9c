// Any text as a description of a target.
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string_view>

#include "target/target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto target = kerf::parse_target({reinterpret_cast<const char*>(data), size}, "fuzz");
  if (target) (void)kerf::to_json(*target);
  return 0;
}
