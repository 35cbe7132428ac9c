#include "runner/emulation/tensor_copy.h"

#include <array>
#include <cstring>

namespace kerf {
namespace {

// Calls `each` for all elements of a box: its place in global memory, null outside of the tensor, and that in shared
// memory.
template <class F>
void each_element(const KerfTensorMap& map, const KerfTensorPlace& place, std::uintptr_t shared, F each) {
  const unsigned count = bytes_of_box(map) / map.element_bytes;
  std::array<unsigned, 5> at{};
  for (unsigned i = 0; i < count; ++i) {
    bool inside = true;
    std::uint64_t offset = 0;
    for (unsigned d = 0; d < map.rank; ++d) {
      const std::int64_t index = std::int64_t{place.at[d]} + at[d];
      inside = inside && index >= 0 && static_cast<std::uint64_t>(index) < map.extent[d];
      offset += static_cast<std::uint64_t>(index) * map.stride[d];
    }
    each(inside ? map.data + offset : nullptr,
         reinterpret_cast<std::byte*>(swizzled(shared + std::uintptr_t{i} * map.element_bytes, map.swizzle)));
    for (unsigned d = 0; d < map.rank && ++at[d] == map.box[d]; ++d) at[d] = 0;
  }
}

}  // namespace

unsigned bytes_of_box(const KerfTensorMap& map) {
  unsigned bytes = map.element_bytes;
  for (unsigned d = 0; d < map.rank; ++d) bytes *= map.box[d];
  return bytes;
}

std::uintptr_t swizzled(std::uintptr_t address, unsigned swizzle) {
  constexpr unsigned unit_bits = 4, above = 3;  // 16 bytes; which of 128
  const std::uintptr_t units = swizzle >> unit_bits;
  if (units == 0) return address;
  return address ^ ((address >> (unit_bits + above) & (units - 1)) << unit_bits);
}

void load_box(const KerfTensorMap& map, const KerfTensorPlace& place, std::byte* shared) {
  each_element(map, place, reinterpret_cast<std::uintptr_t>(shared), [&](const unsigned char* global, std::byte* to) {
    if (global != nullptr) {
      std::memcpy(to, global, map.element_bytes);
    } else {
      std::memset(to, 0, map.element_bytes);
    }
  });
}

void store_box(const KerfTensorMap& map, const KerfTensorPlace& place, const std::byte* shared) {
  each_element(map, place, reinterpret_cast<std::uintptr_t>(shared), [&](unsigned char* global, const std::byte* from) {
    if (global != nullptr) std::memcpy(global, from, map.element_bytes);
  });
}

}  // namespace kerf
