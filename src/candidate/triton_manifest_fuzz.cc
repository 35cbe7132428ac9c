// A manifest comes from a cache that others may have written.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "candidate/triton_manifest.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto manifest = kerf::read_triton_manifest(text)) {
    const auto again = kerf::read_triton_manifest(kerf::to_text(*manifest));
    if (!again || again->entries.size() != manifest->entries.size()) std::abort();
  }
  return 0;
}
