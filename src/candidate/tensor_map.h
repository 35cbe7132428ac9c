// Tensor maps: how bulk tensor copies see a tensor. A plan gives one as a launch's argument, { tensor_map = "A", box =
// [64, "BK"], swizzle = 128 }, the kernel takes it as `const __grid_constant__ CUtensorMap`.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/result.h"
#include "problem/tensor.h"

namespace kerf {

struct TensorMap {
  std::vector<std::int64_t> box = {};  // what one copy moves: an extent for each dimension of the tensor, in its order
  std::int64_t swizzle = 0;            // bytes within which 16-byte units are exchanged: 0 (none), 32, 64 or 128
  friend bool operator==(const TensorMap&, const TensorMap&) = default;
};

inline constexpr int tensor_map_bytes = 128;  // of the kernel's parameter
inline constexpr int max_tensor_map_rank = 5;

// A tensor as cuTensorMapEncodeTiled wants it: innermost dimension first.
struct TiledTensor {
  int rank = 0;
  int element_bytes = 0;
  std::array<std::uint64_t, max_tensor_map_rank> extent = {};  // elements
  std::array<std::uint64_t, max_tensor_map_rank> stride = {};  // bytes; the first is that of one element
  std::array<std::uint32_t, max_tensor_map_rank> box = {};     // elements
};

// Fails (kind candidate) with what the hardware does not allow, as a sentence about "the tensor" and "the box":
// extents, strides and boxes as CUDA's driver documents them for cuTensorMapEncodeTiled without interleaving.
[[nodiscard]] Result<TiledTensor> tiled(const TensorSpec& spec, const TensorMap& map);

}  // namespace kerf
