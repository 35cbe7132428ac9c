#include "candidate/tensor_map.h"

#include <fmt/format.h>

namespace kerf {
namespace {

std::unexpected<Error> not_so(std::string why) { return fail(ErrorKind::candidate, std::move(why)); }

}  // namespace

Result<TiledTensor> tiled(const TensorSpec& spec, const TensorMap& map) {
  constexpr std::int64_t unit = 16, most_in_box = 256;
  constexpr std::int64_t extents_end = (std::int64_t{1} << 32) + 1, strides_end = std::int64_t{1} << 40;
  const std::size_t rank = spec.shape.size();
  if (rank < 1 || rank > max_tensor_map_rank)
    return not_so(fmt::format("the tensor is {}: a tensor map has 1 to 5 dimensions", to_string(spec)));
  if (map.box.size() != rank)
    return not_so(fmt::format("the box has {} extents and the tensor is {}: expected one for each dimension",
                              map.box.size(), to_string(spec)));
  if (map.swizzle != 0 && map.swizzle != 32 && map.swizzle != 64 && map.swizzle != 128)
    return not_so(fmt::format("swizzle is {}: expected 0, 32, 64 or 128", map.swizzle));
  const std::int64_t element = static_cast<std::int64_t>(size_of(spec.dtype));
  TiledTensor out{.rank = static_cast<int>(rank), .element_bytes = static_cast<int>(element)};
  for (std::size_t d = 0; d < rank; ++d) {
    const std::size_t from = rank - 1 - d;
    const std::int64_t extent = spec.shape[from], box = map.box[from], stride = spec.stride[from] * element;
    if (extent < 1 || extent >= extents_end)
      return not_so(fmt::format("extent {} of the tensor is {}: expected 1 to 2^32", from, extent));
    if (box < 1 || box > most_in_box)
      return not_so(fmt::format("extent {} of the box is {}: expected 1 to {}", from, box, most_in_box));
    if (d == 0 && extent > 1 && stride != element)
      return not_so(fmt::format("the tensor is {}: its last dimension must be contiguous", to_string(spec)));
    // A dimension of one element has whatever stride suits.
    const std::int64_t usable = d > 0 && extent == 1 && stride % unit != 0 ? unit : stride;
    if (d > 0 && (usable % unit != 0 || usable < 0 || usable >= strides_end)) {
      return not_so(
          fmt::format("stride {} of the tensor is {} bytes: expected a multiple of {} below 2^40", from, stride, unit));
    }
    out.extent[d] = static_cast<std::uint64_t>(extent);
    out.stride[d] = static_cast<std::uint64_t>(d == 0 ? element : usable);
    out.box[d] = static_cast<std::uint32_t>(box);
  }
  const std::int64_t row = map.box.back() * element;
  if (row % unit != 0) return not_so(fmt::format("the box is {} bytes wide: expected a multiple of {}", row, unit));
  if (map.swizzle != 0 && row > map.swizzle)
    return not_so(fmt::format("the box is {} bytes wide: a swizzle of {} takes at most as many", row, map.swizzle));
  return out;
}

}  // namespace kerf
