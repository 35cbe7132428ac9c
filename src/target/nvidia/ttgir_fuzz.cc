#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "target/nvidia/ttgir.h"

// What was read can be probed, and what was probed can be read.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto ir = kerf::read_ttgir({reinterpret_cast<const char*>(data), size});
  if (!ir) return 0;
  const auto probed = kerf::insert_probes(*ir, kerf::ops_to_probe(*ir), {.programs = 4, .rounds = 2});
  if (probed && !kerf::read_ttgir(probed->text)) std::abort();
  return 0;
}
