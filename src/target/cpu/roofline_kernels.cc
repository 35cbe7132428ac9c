#include "target/cpu/roofline_kernels.h"

#include <concepts>

namespace kerf {

namespace {

// One body for all widths: inlined into functions that may use wider instructions than the rest of kerf.
template <class T, int Bytes>
struct Vector {
  using Type [[gnu::vector_size(Bytes), gnu::may_alias]] = T;
};

// Enough independent chains to hide a latency of 4 cycles on two units, few enough for the registers.
constexpr int chains = 12;

template <class T, int Bytes>
[[gnu::always_inline]] inline double fma_body(std::int64_t rounds) {
  using V = typename Vector<T, Bytes>::Type;
  V acc[chains];
  for (int i = 0; i < chains; ++i) acc[i] = V{} + static_cast<T>(i);
  // Opaque, so that nothing is computed ahead of time; the fixed point keeps values ordinary.
  V factor = V{} + static_cast<T>(0.5), addend = V{} + static_cast<T>(1);
  asm volatile("" : "+m"(factor), "+m"(addend));
  for (std::int64_t r = 0; r < rounds; ++r) {
#pragma GCC unroll 12
    for (int i = 0; i < chains; ++i) acc[i] = acc[i] * factor + addend;
  }
  double sum = 0;
  for (int i = 0; i < chains; ++i) sum += static_cast<double>(acc[i][0]);
  return sum;
}

template <int Bytes>
[[gnu::always_inline]] inline float read_body(const float* from, std::size_t n) {
  using V = typename Vector<float, Bytes>::Type;
  constexpr std::size_t width = Bytes / sizeof(float);
  V a{}, b{}, c{}, d{};
  for (std::size_t i = 0; i < n; i += 4 * width) {
    a += *reinterpret_cast<const V*>(from + i);
    b += *reinterpret_cast<const V*>(from + i + width);
    c += *reinterpret_cast<const V*>(from + i + 2 * width);
    d += *reinterpret_cast<const V*>(from + i + 3 * width);
  }
  a = (a + b) + (c + d);
  return a[0] + a[1];
}

template <int Bytes>
[[gnu::always_inline]] inline void write_body(float* to, std::size_t n) {
  using V = typename Vector<float, Bytes>::Type;
  const V value = V{} + 1.0F;
  for (std::size_t i = 0; i < n; i += Bytes / sizeof(float)) {
    *reinterpret_cast<V*>(to + i) = value;
    asm volatile("" ::: "memory");  // else the compiler calls memset, which may stream
  }
}

template <int Bytes>
[[gnu::always_inline]] inline void copy_body(const float* from, float* to, std::size_t n) {
  using V = typename Vector<float, Bytes>::Type;
  for (std::size_t i = 0; i < n; i += Bytes / sizeof(float)) {
    *reinterpret_cast<V*>(to + i) = *reinterpret_cast<const V*>(from + i);
    asm volatile("" ::: "memory");
  }
}

double fma_f32_base(std::int64_t rounds) { return fma_body<float, 16>(rounds); }
double fma_f64_base(std::int64_t rounds) { return fma_body<double, 16>(rounds); }
float read_base(const float* from, std::size_t n) { return read_body<16>(from, n); }
void write_base(float* to, std::size_t n) { write_body<16>(to, n); }
void copy_base(const float* from, float* to, std::size_t n) { copy_body<16>(from, to, n); }

void stream_write_base(float* to, std::size_t n) {
#if defined(__x86_64__)
  const auto* bits = reinterpret_cast<const long long*>("\0\0\x80\x3f\0\0\x80\x3f");
  const long long value = *bits;
  for (std::size_t i = 0; i < n; i += 2) asm volatile("movnti %1, (%0)" : : "r"(to + i), "r"(value) : "memory");
  asm volatile("sfence" ::: "memory");
#else
  write_body<16>(to, n);
#endif
}

constexpr RooflineKernels base{"128-bit",    read_base,    write_base,       copy_base,       stream_write_base,
                               fma_f32_base, fma_f64_base, 2.0 * chains * 4, 2.0 * chains * 2};

#if defined(__x86_64__)
[[gnu::target("avx2,fma")]] double fma_f32_avx2(std::int64_t rounds) { return fma_body<float, 32>(rounds); }
[[gnu::target("avx2,fma")]] double fma_f64_avx2(std::int64_t rounds) { return fma_body<double, 32>(rounds); }
[[gnu::target("avx2,fma")]] float read_avx2(const float* from, std::size_t n) { return read_body<32>(from, n); }
[[gnu::target("avx2,fma")]] void write_avx2(float* to, std::size_t n) { write_body<32>(to, n); }
[[gnu::target("avx2,fma")]] void copy_avx2(const float* from, float* to, std::size_t n) { copy_body<32>(from, to, n); }
[[gnu::target("avx512f")]] double fma_f32_avx512(std::int64_t rounds) { return fma_body<float, 64>(rounds); }
[[gnu::target("avx512f")]] double fma_f64_avx512(std::int64_t rounds) { return fma_body<double, 64>(rounds); }
[[gnu::target("avx512f")]] float read_avx512(const float* from, std::size_t n) { return read_body<64>(from, n); }
[[gnu::target("avx512f")]] void write_avx512(float* to, std::size_t n) { write_body<64>(to, n); }
[[gnu::target("avx512f")]] void copy_avx512(const float* from, float* to, std::size_t n) { copy_body<64>(from, to, n); }

constexpr RooflineKernels avx2{"AVX2",       read_avx2,    write_avx2,       copy_avx2,       stream_write_base,
                               fma_f32_avx2, fma_f64_avx2, 2.0 * chains * 8, 2.0 * chains * 4};
constexpr RooflineKernels avx512{"AVX-512",      read_avx512,    write_avx512,      copy_avx512,     stream_write_base,
                                 fma_f32_avx512, fma_f64_avx512, 2.0 * chains * 16, 2.0 * chains * 8};
#endif

}  // namespace

const RooflineKernels& roofline_kernels() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) return avx512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return avx2;
#endif
  return base;
}

}  // namespace kerf
