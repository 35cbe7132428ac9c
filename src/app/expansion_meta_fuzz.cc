// Any bytes as the meta.json of kerf tell: what is read is what it would be after being written again.
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string_view>

#include "app/expansion_meta.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kerf;
  const auto meta = expansion_meta_from_text({reinterpret_cast<const char*>(data), size}, "meta.json");
  if (!meta) {
    if (meta.error().kind != ErrorKind::user || meta.error().message.empty()) __builtin_trap();
    return 0;
  }
  if (meta->purpose.attempt < 0) __builtin_trap();
  const auto again = expansion_meta_from_text(to_text(*meta, "problem", Language::cpp, "digest"), "meta.json");
  if (!again || again->session != meta->session || again->purpose.expansion != meta->purpose.expansion ||
      again->purpose.attempt != meta->purpose.attempt)
    __builtin_trap();
  return 0;
}
