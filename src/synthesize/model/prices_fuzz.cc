// Any text as a table of prices: what is read has a price that is no less than nothing.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "synthesize/model/prices.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto prices = kerf::Prices::parse({reinterpret_cast<const char*>(data), size}, "prices.toml");
  if (!prices) {
    if (prices.error().message.empty()) __builtin_trap();
    return 0;
  }
  for (const auto& [name, entry] : prices->entries()) {
    if (!(entry.price.input >= 0) || !(entry.price.output >= 0)) __builtin_trap();
    (void)prices->find(name.first, name.second);
  }
  return 0;
}
