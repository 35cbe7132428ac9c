/* /// kerf
version = 1
supports = "ids.ndim == 2 and ids.shape[0] == 40 and ids.shape[1] == 300 and others.ndim == 1 and others.shape[0] == 300 and x.ndim == 2 and x.shape[0] == 40 and x.shape[1] == 300"
[tune]
BLOCK = [1024]
[[step]]
launch = "chosen_kernel"
grid = ["cdiv(others.shape[0], BLOCK)", "cdiv(ids.shape[0], max(1, BLOCK // (others.shape[0])))"]
args = ["others.shape[0]", "max(1, BLOCK // (others.shape[0]))", "ids.shape[0]", "others", "ids", "x", "out"]
/// */

static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
// The first w of 16 elements from p on (w is 16 but at the end of a loop); memory behind them is not touched.
static inline f32x16 at(const float* p, int64_t w) { return w >= 16 ? load16(p) : load16(p, w, 0.0f); }
static inline void put(float* p, f32x16 v, int64_t w) { if (w >= 16) store16(p, v); else store16(p, v, w); }
// Integers as floats: exact below 2^24, and never equal to a smaller one above.
static inline f32x16 whole(const int64_t* p, int64_t stride, int64_t w) {
  f32x16 v = {};
  for (int64_t l = 0; l < w; ++l) v[l] = (float)p[l * stride];
  return v;
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
template <class F> static inline i32x16 compared(int64_t w, F f) {
  i32x16 v = {};
  for (int64_t l = 0; l < w; ++l) v[l] = -(int32_t)f(l);
  return v;
}

// i < ids.shape[0], j < others.shape[0]
extern "C" void chosen_kernel(int64_t J, int64_t rows, int64_t I, const int64_t* __restrict__ others_from, const int64_t* __restrict__ ids_from, const float* __restrict__ x_from, float* __restrict__ out_to, int64_t block, int64_t group) {
  const int64_t begin = block * BLOCK, end = least(begin + BLOCK, J);
  for (int64_t row = group * rows; row < least((group + 1) * rows, I); ++row) {
    const int64_t i = row;
    const int64_t* ids_at = ids_from + i * J;
    const float* x_at = x_from + i * J;
    float* out_at = out_to + i * J;
    each16<4>(begin, end, [&](int64_t j, int64_t w) {
      const f32x16 others = whole(others_from + j, 1, w);
      const f32x16 ids = whole(ids_at + j, 1, w);
      const i32x16 same = compared(w, [&](int64_t nth) { return (ids_at + j)[nth] == (others_from + j)[nth]; });
      const f32x16 x_ = at(x_at + j, w);
      const f32x16 chosen_1 = same ? splat16(0.0f) : x_;
      put(out_at + j, chosen_1, w);
    });
  }
}
