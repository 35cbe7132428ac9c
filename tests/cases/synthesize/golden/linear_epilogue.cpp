/* /// kerf
version = 1
supports = "x.ndim == 2 and x.shape[0] == 1024 and x.shape[1] == 8192"
[tune]
BLOCK = [32768]
[[step]]
call = "aten.linear.default"
args = ["x", "w", "b"]
out = "linear"
[[step]]
launch = "gelu_kernel"
grid = ["cdiv(linear.shape[0] * linear.shape[1], BLOCK)"]
args = ["linear.shape[0] * linear.shape[1]", "linear", "out"]
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

// i < linear.shape[0] * linear.shape[1]
extern "C" void gelu_kernel(int64_t I, const float* __restrict__ linear_from, float* __restrict__ out_to, int64_t block) {
  const int64_t begin = block * BLOCK, end = least(begin + BLOCK, I);
  each16<4>(begin, end, [&](int64_t i, int64_t w) {
    const f32x16 linear = at(linear_from + i, w);
    const f32x16 gelu_1 = linear * 0.70710677f;
    const f32x16 gelu_2 = erf16(gelu_1);
    const f32x16 gelu_4 = gelu_2 + 1.0f;
    const f32x16 gelu_6 = linear * 0.5f;
    const f32x16 gelu_7 = gelu_6 * gelu_4;
    put_past(out_to + i, gelu_7, w);
  });
  stream_end();
}
