// Bytes to lines: whatever they are, the reader answers, and so does what it read.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "target/nvidia/line_table.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto table = kerf::read_line_table({reinterpret_cast<const char*>(data), size});
  if (!table) return 0;
  for (const auto& [function, rows] : table->functions) {
    for (std::uint64_t offset = 0; offset < 256; offset += 16)
      if (table->line_of(function, offset, "candidate.cu").value_or(1) <= 0) __builtin_trap();
  }
  return 0;
}
