/* /// kerf
version = 1
supports = "x.ndim == 2 and x.shape[0] == 32 and x.shape[1] == 200"
[tune]
BLOCK = [1024]
[[step]]
launch = "mul_kernel"
grid = ["cdiv(min(100, x.shape[1]), BLOCK)", "cdiv(x.shape[0], max(1, BLOCK // (min(100, x.shape[1]))))"]
args = ["min(100, x.shape[1])", "max(1, BLOCK // (min(100, x.shape[1])))", "x.shape[0]", "x", "x.shape[1]", "out"]
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

// i < x.shape[0], j < min(100, x.shape[1])
extern "C" void mul_kernel(int64_t J, int64_t rows, int64_t I, const float* __restrict__ x_from, int64_t x_stride_i, float* __restrict__ out_to, int64_t block, int64_t group) {
  const int64_t begin = block * BLOCK, end = least(begin + BLOCK, J);
  for (int64_t row = group * rows; row < least((group + 1) * rows, I); ++row) {
    const int64_t i = row;
    const float* x_at = x_from + i * x_stride_i;
    const float* x_1_at = x_from + i * x_stride_i + 100;
    float* out_at = out_to + i * J;
    eachv<1>(begin, end, [&](int64_t j, int64_t w) {
      const f32v x_ = at(x_at + j, w);
      const f32v x_1 = at(x_1_at + j, w);
      const f32v silu = sigmoidv(x_);
      const f32v silu_1 = x_ * silu;
      const f32v mul = silu_1 * x_1;
      put(out_at + j, mul, w);
    });
  }
}
