// Powers of two: of threads, lanes and tiles.
#pragma once

#include <bit>
#include <cstdint>

namespace kerf {

[[nodiscard]] constexpr bool is_power_of_two(std::int64_t n) {
  return n > 0 && std::has_single_bit(static_cast<std::uint64_t>(n));
}
// The smallest that is no less than n.
[[nodiscard]] constexpr std::int64_t power_above(std::int64_t n) {
  return n < 1 ? 1 : static_cast<std::int64_t>(std::bit_ceil(static_cast<std::uint64_t>(n)));
}

}  // namespace kerf
