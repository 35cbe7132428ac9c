/* /// kerf
version = 1
supports = "x.ndim == 4 and x.shape[0] == 16 and x.shape[1] == 64 and x.shape[2] == 128 and x.shape[3] == 128"
[tune]
BLOCK = [32768]
[[step]]
call = "aten.conv2d.default"
args = ["x", "w", "b", [1, 1], [1, 1]]
out = "conv2d"
[[step]]
launch = "relu_kernel"
grid = ["cdiv(conv2d.shape[0] * conv2d.shape[1] * conv2d.shape[2] * conv2d.shape[3], BLOCK)"]
args = ["conv2d.shape[0] * conv2d.shape[1] * conv2d.shape[2] * conv2d.shape[3]", "conv2d", "out"]
/// */

static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
// The first w of 16 elements from p on (w is 16 but at the end of a loop); memory behind them is not touched.
static inline f32x16 at(const float* p, int64_t w) { return w >= 16 ? load16(p) : load16(p, w, 0.0f); }
// A store that goes around the caches, where p is aligned: nobody reads it before it would have left them.
static inline void put_past(float* p, f32x16 v, int64_t w) {
  if (w < 16) store16(p, v, w); else if (aligned64(p)) stream16(p, v); else store16(p, v);
}
// f(i, w) for 16 elements at a time: i from begin to end, of which w count.
template <int unroll, class F> static inline void each16(int64_t begin, int64_t end, F f) {
  int64_t i = begin;
  for (; i + 16 * unroll <= end; i += 16 * unroll)
#pragma GCC unroll 16
    for (int u = 0; u < unroll; ++u) f(i + 16 * u, 16);
  for (; i + 16 <= end; i += 16) f(i, 16);
  if (i < end) f(i, end - i);
}

// i < conv2d.shape[0] * conv2d.shape[1] * conv2d.shape[2] * conv2d.shape[3]
extern "C" void relu_kernel(int64_t I, const float* __restrict__ conv2d_from, float* __restrict__ out_to, int64_t block) {
  const int64_t begin = block * BLOCK, end = least(begin + BLOCK, I);
  each16<4>(begin, end, [&](int64_t i, int64_t w) {
    const f32x16 conv2d = at(conv2d_from + i, w);
    const f32x16 relu = conv2d < 0.0f ? splat16(0.0f) : conv2d;
    put_past(out_to + i, relu, w);
  });
  stream_end();
}
