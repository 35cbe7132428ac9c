/* /// kerf
version = 1
supports = "x.ndim == 3 and x.shape[0] == 2 and x.shape[1] == 32 and x.shape[2] == 64"
[tune]
BLOCK = [1024]
[[step]]
launch = "relu_kernel"
grid = ["cdiv(x.shape[2] // 4, BLOCK)", "cdiv(x.shape[0] * 4 * x.shape[1], max(1, BLOCK // (x.shape[2] // 4)))"]
args = ["x.shape[2] // 4", "max(1, BLOCK // (x.shape[2] // 4))", "x.shape[0]", 4, "x.shape[1]", "x", "x.shape[2] // 4", "(x.shape[2] // 4) * 4", "gain", "out"]
/// */

static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
// The first w elements from p on (w is vlen but at the end of a loop); memory behind them is not touched.
static inline f32v at(const float* p, int64_t w) { return w >= vlen ? loadv(p) : loadv(p, w, 0.0f); }
static inline void put(float* p, f32v v, int64_t w) { if (w >= vlen) storev(p, v); else storev(p, v, w); }
// f(i, w) for a vector of elements at a time: i from begin to end, of which w count.
template <int unroll, class F> static inline void eachv(int64_t begin, int64_t end, F f) {
  int64_t i = begin;
  for (; i + vlen * unroll <= end; i += vlen * unroll)
#pragma GCC unroll 16
    for (int u = 0; u < unroll; ++u) f(i + vlen * u, vlen);
  for (; i + vlen <= end; i += vlen) f(i, vlen);
  if (i < end) f(i, end - i);
}

// i < x.shape[0], j < 4, k < x.shape[1], l < x.shape[2] // 4
extern "C" void relu_kernel(int64_t L, int64_t rows, int64_t I, int64_t J, int64_t K, const float* __restrict__ x_from, int64_t x_stride_j, int64_t x_stride_k, const float* __restrict__ gain_from, float* __restrict__ out_to, int64_t block, int64_t group) {
  const int64_t begin = block * BLOCK, end = least(begin + BLOCK, L);
  for (int64_t row = group * rows; row < least((group + 1) * rows, I * J * K); ++row) {
    const int64_t i = row / (J * K);
    const int64_t j = row / K % J;
    const int64_t k = row % K;
    const float* x_at = x_from + i * J * K * L + j * x_stride_j + k * x_stride_k;
    const float* gain_at = gain_from + j * L;
    float* out_at = out_to + i * J * K * L + j * K * L + k * L;
    eachv<4>(begin, end, [&](int64_t l, int64_t w) {
      const f32v x_ = at(x_at + l, w);
      const f32v gain = at(gain_at + l, w);
      const f32v mul = x_ * gain;
      const f32v relu = mul < 0.0f ? splatv(0.0f) : mul;
      put(out_at + l, relu, w);
    });
  }
}
