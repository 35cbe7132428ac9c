/* /// kerf
version = 1
supports = "x.ndim == 4 and x.shape[0] == 2 and x.shape[1] == 8 and x.shape[2] == 16 and x.shape[3] == 16"
[tune]
BLOCK = [1024]
[[step]]
call = "aten.conv2d.default"
args = ["x", "conv.weight"]
out = "conv2d"
[[step]]
launch = "add_kernel"
grid = ["cdiv(conv2d.shape[2] * conv2d.shape[3], BLOCK)", "cdiv(conv2d.shape[0] * conv2d.shape[1], max(1, BLOCK // (conv2d.shape[2] * conv2d.shape[3])))"]
args = ["conv2d.shape[2] * conv2d.shape[3]", "max(1, BLOCK // (conv2d.shape[2] * conv2d.shape[3]))", "conv2d.shape[0]", "conv2d.shape[1]", "bias", "conv2d", "out"]
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

// i < conv2d.shape[0], j < conv2d.shape[1], k < conv2d.shape[2] * conv2d.shape[3]
extern "C" void add_kernel(int64_t K, int64_t rows, int64_t I, int64_t J, const float* __restrict__ bias_from, const float* __restrict__ conv2d_from, float* __restrict__ out_to, int64_t block, int64_t group) {
  const int64_t begin = block * BLOCK, end = least(begin + BLOCK, K);
  for (int64_t row = group * rows; row < least((group + 1) * rows, I * J); ++row) {
    const int64_t i = row / J;
    const int64_t j = row % J;
    const float bias = bias_from[j];
    const float* conv2d_at = conv2d_from + i * J * K + j * K;
    float* out_at = out_to + i * J * K + j * K;
    each16<4>(begin, end, [&](int64_t k, int64_t w) {
      const f32x16 conv2d = at(conv2d_at + k, w);
      const f32x16 relu = conv2d < 0.0f ? splat16(0.0f) : conv2d;
      const f32x16 add = relu + bias;
      put(out_at + k, add, w);
    });
  }
}
