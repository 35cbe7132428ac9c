// Any bytes as Proton's files: shares are shares.
#include <cstddef>
#include <cstdint>

#include "evaluate/profile/proton.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)kerf::read_proton_tree(text);
  if (const auto scopes = kerf::read_proton_trace(text)) {
    for (const auto& scope : *scopes) {
      if (scope.events < 1 || !(scope.share >= 0 && scope.share <= 1.001)) __builtin_trap();
    }
  }
  return 0;
}
