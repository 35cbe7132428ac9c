/* /// kerf
version = 1
supports = "x.ndim == 4 and x.shape[0] == 4 and x.shape[1] == 3 and x.shape[2] == 16 and x.shape[3] == 64 and y.ndim == 4 and y.shape[0] == 4 and y.shape[1] == 5 and y.shape[2] == 16 and y.shape[3] == 64 and z.ndim == 4 and z.shape[0] == 4 and z.shape[1] == 5 and z.shape[2] == 16 and z.shape[3] == 64"
[tune]
BLOCK = [2048]
[[step]]
call = "aten.cat.default"
args = [["x", "y"], 1]
out = "out0"
[[step]]
launch = "exp_kernel"
grid = ["cdiv(z.shape[0] * z.shape[1] * z.shape[2] * z.shape[3], BLOCK)"]
args = ["z.shape[0] * z.shape[1] * z.shape[2] * z.shape[3]", "z", "out1"]
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

// i < z.shape[0] * z.shape[1] * z.shape[2] * z.shape[3]
extern "C" void exp_kernel(int64_t I, const float* __restrict__ z_from, float* __restrict__ out_to, int64_t block) {
  const int64_t begin = block * BLOCK, end = least(begin + BLOCK, I);
  each16<4>(begin, end, [&](int64_t i, int64_t w) {
    const f32x16 z_ = at(z_from + i, w);
    const f32x16 exp = exp16(z_);
    put(out_to + i, exp, w);
  });
}
