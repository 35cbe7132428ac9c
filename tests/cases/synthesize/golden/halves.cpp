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
// The first w of 16 elements from p on (w is 16 but at the end of a loop); memory behind them is not touched.
static inline f32x16 at(const float* p, int64_t w) { return w >= 16 ? load16(p) : load16(p, w, 0.0f); }
static inline void put(float* p, f32x16 v, int64_t w) { if (w >= 16) store16(p, v); else store16(p, v, w); }
// f(i, w) for 16 elements at a time: i from begin to end, of which w count.
template <int unroll, class F> static inline void each16(int64_t begin, int64_t end, F f) {
  int64_t i = begin;
  for (; i + 16 * unroll <= end; i += 16 * unroll)
#pragma GCC unroll 16
    for (int u = 0; u < unroll; ++u) f(i + 16 * u, 16);
  for (; i + 16 <= end; i += 16) f(i, 16);
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
    each16<1>(begin, end, [&](int64_t j, int64_t w) {
      const f32x16 x_ = at(x_at + j, w);
      const f32x16 x_1 = at(x_1_at + j, w);
      const f32x16 silu = sigmoid16(x_);
      const f32x16 silu_1 = x_ * silu;
      const f32x16 mul = silu_1 * x_1;
      put(out_at + j, mul, w);
    });
  }
}
