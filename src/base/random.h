// Deterministic random numbers: the same seed gives the same sequence on every machine and standard library.
#pragma once

#include <cstdint>
#include <span>

namespace kerf {

// xoshiro256** (Blackman & Vigna, "Scrambled linear pseudorandom number generators", 2021), seeded by splitmix64.
class Random {
 public:
  explicit Random(std::uint64_t seed);

  [[nodiscard]] std::uint64_t next();
  [[nodiscard]] std::uint64_t below(std::uint64_t bound);  // uniform in [0, bound), bound > 0, without modulo bias
  [[nodiscard]] double uniform();                          // [0, 1), 53 bits
  [[nodiscard]] double normal();                           // standard normal, Box-Muller
  // Index drawn in proportion to `weights` (non-negative, at least one positive).
  [[nodiscard]] std::size_t pick(std::span<const double> weights);
  // A generator whose sequence does not depend on how much of this one was used afterwards.
  [[nodiscard]] Random split();

 private:
  std::uint64_t state_[4];
};

// From the operating system, for secrets (input seeds, sentinels).
[[nodiscard]] std::uint64_t secret_seed();

}  // namespace kerf
