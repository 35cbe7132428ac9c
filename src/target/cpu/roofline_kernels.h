// The loops that are timed, for the widest vectors that this processor has.
#pragma once

#include <cstddef>
#include <cstdint>

namespace kerf {

// Pointers are aligned to 64 bytes, counts are multiples of 64 floats.
struct RooflineKernels {
  const char* isa;
  float (*read)(const float* from, std::size_t n);
  void (*write)(float* to, std::size_t n);
  void (*copy)(const float* from, float* to, std::size_t n);
  void (*stream_write)(float* to, std::size_t n);
  // Rounds of fused multiply-adds on registers; returns something that depends on all of them.
  double (*fma_f32)(std::int64_t rounds);
  double (*fma_f64)(std::int64_t rounds);
  double f32_operations_a_round, f64_operations_a_round;
};

[[nodiscard]] const RooflineKernels& roofline_kernels();

}  // namespace kerf
