// Any text as an operator's schema.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "candidate/schema.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto schema = kerf::parse_schema({reinterpret_cast<const char*>(data), size});
  if (!schema) return 0;
  for (const kerf::SchemaArgument& argument : schema->arguments) {
    if (const auto value = kerf::default_of(argument)) (void)kerf::to_string(*value);
  }
  return 0;
}
