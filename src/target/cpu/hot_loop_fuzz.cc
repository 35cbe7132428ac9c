#include <cstddef>
#include <cstdint>
#include <string_view>

#include "target/cpu/hot_loop.h"

// Whatever objdump lists of a candidate's object, and whatever llvm-mca prints of it, is read without harm.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)kerf::find_hot_loop(text, "k");
  (void)kerf::read_mca(text);
  return 0;
}
