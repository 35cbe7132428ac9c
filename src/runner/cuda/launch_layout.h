// What the driver is given of a launch, as far as the bound plan says it: nothing here needs a GPU.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "candidate/bind.h"
#include "candidate/tensor_map.h"
#include "candidate/triton_manifest.h"
#include "runner/cuda/device_memory.h"
#include "runner/cuda/driver.h"

namespace kerf {

// From where a kernel's parameter is read: as many bytes as its type has.
struct alignas(64) ParameterBytes {
  std::array<std::uint64_t, tensor_map_bytes / sizeof(std::uint64_t)> words = {};

  template <class T>
  [[nodiscard]] static ParameterBytes of(T value) {
    static_assert(sizeof value <= sizeof(std::uint64_t));
    ParameterBytes out;
    std::memcpy(out.words.data(), &value, sizeof value);
    return out;
  }
};
// Of an argument's value; of tensors and tensor maps, whose address is not known yet, zeros.
[[nodiscard]] Result<ParameterBytes> parameter_of(const BoundArgument& argument);

// What cuTensorMapEncodeTiled is given beside the address.
struct MapEncoding {
  int type = 0;  // CUtensorMapDataType
  std::uint32_t rank = 0;
  std::array<std::uint64_t, max_tensor_map_rank> extents = {};
  std::array<std::uint64_t, max_tensor_map_rank> strides = {};  // bytes, without the innermost dimension's
  std::array<std::uint32_t, max_tensor_map_rank> box = {};
  int swizzle = 0;  // CUtensorMapSwizzle
};
// Fails as tiled() does.
[[nodiscard]] Result<MapEncoding> map_encoding(const TensorSpec& spec, const TensorMap& map);

// A launch with its arguments laid out.
struct CudaLaunch {
  struct Map {
    std::size_t argument = 0;
    TensorId tensor = no_tensor;
    MapEncoding encoding = {};
  };
  std::string kernel;
  std::string cubin = {};  // path
  CuFunction function = nullptr;
  CuLaunchConfig config{};
  std::vector<CuLaunchAttribute> attributes = {};
  std::vector<std::pair<std::size_t, TensorId>> tensors = {};  // argument, whose address changes
  std::vector<Map> maps = {};                                  // likewise
  std::vector<ParameterBytes> values = {};
  std::vector<void*> pointers = {};        // into values
  std::vector<DeviceBuffer> scratch = {};  // that Triton's compiler wants for a kernel
};
[[nodiscard]] std::vector<void*> pointers_to(std::vector<ParameterBytes>& values);

// Of a launch of blocks: grid, block, shared memory, clusters, cooperation, arguments. `spec_of` gives the spec that a
// tensor has now, of those that have a tensor map.
[[nodiscard]] Result<CudaLaunch> lay_out_blocks(const BoundLaunch& launch,
                                                const std::function<TensorSpec(TensorId)>& spec_of);
// Of a launch of programs, as triton_manifest.h says that an entry is launched: without the scratch that stands behind
// its parameters.
[[nodiscard]] Result<CudaLaunch> lay_out_programs(const BoundLaunch& launch, const TritonEntry& entry);
[[nodiscard]] std::int64_t programs_of(const BoundLaunch& launch);

}  // namespace kerf
