/* /// kerf
version = 1
supports = "x.ndim == 3 and x.shape[0] == 8 and x.shape[1] == 64 and x.shape[2] == 48 and w.ndim == 3 and w.shape[0] == 8 and w.shape[1] == 64 and w.shape[2] == 20"
[tune]
BLOCK = [2048]
[[scratch]]
name = "shifted_stored"
dtype = "f32"
shape = ["x.shape[0]", "x.shape[1]", "x.shape[2]"]
[[step]]
launch = "shifted_stored_kernel"
grid = ["cdiv(x.shape[0] * x.shape[1] * x.shape[2], BLOCK)"]
args = ["x.shape[0] * x.shape[1] * x.shape[2]", "x", "shifted_stored"]
[[step]]
call = "aten.permute.default"
args = ["shifted_stored", [0, 2, 1]]
out = "shifted"
[[step]]
call = "aten.bmm.default"
args = ["shifted", "w"]
out = "out"
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

// i < x.shape[0] * x.shape[1] * x.shape[2]
extern "C" void shifted_stored_kernel(int64_t I, const float* __restrict__ x_from, float* __restrict__ out_to, int64_t block) {
  const int64_t begin = block * BLOCK, end = least(begin + BLOCK, I);
  each16<4>(begin, end, [&](int64_t i, int64_t w) {
    const f32x16 x_ = at(x_from + i, w);
    const f32x16 scaled_stored_1 = x_ * 0.25f;
    const f32x16 shifted_stored = scaled_stored_1 < 0.0f ? splat16(0.0f) : scaled_stored_1;
    put(out_to + i, shifted_stored, w);
  });
}
