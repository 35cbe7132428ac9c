// Boxes of tensors, between global and shared memory: what cp.async.bulk.tensor does in tiles (PTX ISA, "Tensors").
#pragma once

#include <cstddef>
#include <cstdint>

#include "runner/emulation/abi.h"

namespace kerf {

[[nodiscard]] unsigned bytes_of_box(const KerfTensorMap& map);
// Where what belongs at an address in shared memory lies under a swizzle of 0, 32, 64 or 128 bytes: 16-byte units are
// exchanged by the bits of the address above them.
[[nodiscard]] std::uintptr_t swizzled(std::uintptr_t address, unsigned swizzle);
// A box lies dense in shared memory, innermost dimension first. Elements outside of the tensor are zeros.
void load_box(const KerfTensorMap& map, const KerfTensorPlace& place, std::byte* shared);
// Elements outside of the tensor are left out.
void store_box(const KerfTensorMap& map, const KerfTensorPlace& place, const std::byte* shared);

}  // namespace kerf
