#include "runner/cuda/launch_layout.h"

#include <algorithm>

namespace kerf {
namespace {

// Numbers of CUlaunchAttributeID.
constexpr int cooperative_attribute = 2, cluster_attribute = 4;

// Numbers of CUtensorMapDataType: what is moved is bytes, so that signs do not matter.
int map_type(Dtype dtype) {
  constexpr int u8 = 0, u16 = 1, i32 = 3, i64 = 5, f16 = 6, f32 = 7, f64 = 8, bf16 = 9;
  switch (dtype) {
    case Dtype::f64:
      return f64;
    case Dtype::f32:
      return f32;
    case Dtype::bf16:
      return bf16;
    case Dtype::f16:
      return f16;
    case Dtype::i64:
      return i64;
    case Dtype::i32:
      return i32;
    case Dtype::i16:
      return u16;
    case Dtype::i8:
    case Dtype::u8:
    case Dtype::boolean:
      break;
  }
  return u8;
}

CudaLaunch over_grid(const BoundLaunch& launch) {
  CudaLaunch out{.kernel = launch.kernel};
  std::ranges::fill(out.config.grid, 1U);
  std::ranges::fill(out.config.block, 1U);
  for (std::size_t d = 0; d < launch.grid.size(); ++d) out.config.grid[d] = static_cast<unsigned>(launch.grid[d]);
  return out;
}

}  // namespace

Result<ParameterBytes> parameter_of(const BoundArgument& argument) {
  using enum BoundArgument::Kind;
  switch (argument.kind) {
    case tensor:
    case tensor_map:
      return ParameterBytes();
    case i64:
      return ParameterBytes::of(argument.integer);
    case i32:
      return ParameterBytes::of(static_cast<std::int32_t>(argument.integer));
    case f32:
      return ParameterBytes::of(static_cast<float>(argument.number));
    case f64:
      return ParameterBytes::of(argument.number);
    case boolean:
      return ParameterBytes::of(argument.integer != 0);
    case thread:
    case unknown:
      break;
  }
  return fail(ErrorKind::internal, "an argument of unknown type reached the runner", argument.at);
}

Result<MapEncoding> map_encoding(const TensorSpec& spec, const TensorMap& map) {
  constexpr int none = 0, by_32 = 1, by_64 = 2, by_128 = 3;  // CUtensorMapSwizzle
  const TiledTensor tensor = TRY(tiled(spec, map));
  MapEncoding out{.type = map_type(spec.dtype),
                  .rank = static_cast<std::uint32_t>(tensor.rank),
                  .extents = tensor.extent,
                  .box = tensor.box,
                  .swizzle = map.swizzle == 32   ? by_32
                             : map.swizzle == 64 ? by_64
                             : map.swizzle > 64  ? by_128
                                                 : none};
  std::copy(tensor.stride.begin() + 1, tensor.stride.end(), out.strides.begin());
  return out;
}

std::vector<void*> pointers_to(std::vector<ParameterBytes>& values) {
  std::vector<void*> pointers;
  for (ParameterBytes& value : values) pointers.push_back(value.words.data());
  return pointers;
}

Result<CudaLaunch> lay_out_blocks(const BoundLaunch& launch, const std::function<TensorSpec(TensorId)>& spec_of) {
  if (!launch.block) return fail(ErrorKind::internal, "a launch without a block reached the runner");
  CudaLaunch out = over_grid(launch);
  const BoundBlock& block = *launch.block;
  for (std::size_t d = 0; d < 3; ++d) out.config.block[d] = static_cast<unsigned>(block.extent[d]);
  out.config.shared_bytes = static_cast<unsigned>(block.shared_bytes);
  if (block.cluster != std::array<std::int64_t, 3>{1, 1, 1}) {
    CuLaunchAttribute attribute{.id = cluster_attribute, .padding = 0, .value = {}};
    for (std::size_t d = 0; d < 3; ++d) attribute.value.cluster[d] = static_cast<unsigned>(block.cluster[d]);
    out.attributes.push_back(attribute);
  }
  if (block.cooperative) {
    CuLaunchAttribute attribute{.id = cooperative_attribute, .padding = 0, .value = {}};
    attribute.value.cooperative = 1;
    out.attributes.push_back(attribute);
  }
  for (std::size_t a = 0; a < launch.args.size(); ++a) {
    const BoundArgument& argument = launch.args[a];
    if (argument.kind == BoundArgument::Kind::tensor) out.tensors.emplace_back(a, argument.tensor);
    if (argument.kind == BoundArgument::Kind::tensor_map) {
      out.maps.push_back({.argument = a,
                          .tensor = argument.tensor,
                          .encoding = TRY(map_encoding(spec_of(argument.tensor), argument.map))});
    }
    out.values.push_back(TRY(parameter_of(argument)));
  }
  return out;
}

Result<CudaLaunch> lay_out_programs(const BoundLaunch& launch, const TritonEntry& entry) {
  constexpr unsigned warp = 32;
  CudaLaunch out = over_grid(launch);
  out.config.block[0] = warp * static_cast<unsigned>(entry.num_warps);
  out.config.shared_bytes = static_cast<unsigned>(entry.shared_bytes);
  for (const TritonParameter& parameter : entry.parameters) {
    const auto index = static_cast<std::size_t>(parameter.argument);
    if (index >= launch.args.size())
      return fail(ErrorKind::internal, "the image has a kernel of more arguments than the launch");
    BoundArgument argument = launch.args[index];
    if (argument.kind == BoundArgument::Kind::tensor) out.tensors.emplace_back(out.values.size(), argument.tensor);
    // Triton narrows what fits into 32 bits.
    if (parameter.type == TritonArgument::Type::i32) argument.kind = BoundArgument::Kind::i32;
    out.values.push_back(TRY(parameter_of(argument)));
  }
  return out;
}

std::int64_t programs_of(const BoundLaunch& launch) {
  std::int64_t programs = 1;
  for (const std::int64_t extent : launch.grid) programs *= extent;
  return programs;
}

}  // namespace kerf
