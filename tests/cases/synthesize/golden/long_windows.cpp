/* /// kerf
version = 1
supports = "x.ndim == 3 and x.shape[0] == 2 and x.shape[1] == 3 and x.shape[2] == 5000"
[tune]
BLOCK = [2048]
[[step]]
launch = "y_kernel"
grid = ["cdiv(x.shape[2] - 13, BLOCK)", "cdiv(x.shape[0] * x.shape[1], max(1, BLOCK // (x.shape[2] - 13)))"]
args = ["x.shape[2] - 13", "max(1, BLOCK // (x.shape[2] - 13))", "x.shape[0] * x.shape[1]", "x", "x.shape[2]", "out"]
/// */

static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
// The first w of 16 elements from p on (w is 16 but at the end of a loop); memory behind them is not touched.
static inline f32x16 at(const float* p, int64_t w) { return w >= 16 ? load16(p) : load16(p, w, 0.0f); }
static inline void put(float* p, f32x16 v, int64_t w) { if (w >= 16) store16(p, v); else store16(p, v, w); }
// v[l] = p[l * step] where l < w and i + l * apart is in [0, limit), else `other`: one by one, out of the way of what is common.
[[gnu::noinline, gnu::cold]] static f32x16 picked(const float* p, int64_t step, int64_t i, int64_t apart, int64_t limit, float other, int64_t w) {
  f32x16 v = splat16(other);
  for (int64_t l = 0; l < w; ++l)
    if (i + l * apart >= 0 && i + l * apart < limit) v[l] = p[l * step];
  return v;
}
// Elements p[0], p[2] … p[30]; nothing behind them is touched.
static inline f32x16 evens(const float* p) {
  return __builtin_shufflevector(load16(p), load16(p + 15), 0, 2, 4, 6, 8, 10, 12, 14, 17, 19, 21, 23, 25, 27, 29, 31);
}
// The same, lanes from `first` to before `past`; the others are `other`.
static inline f32x16 evens(const float* p, int64_t first, int64_t past, float other) {
  const f32x16 low = load16(p, 2 * first, 2 * past - 1, other), high = load16(p + 16, 2 * first - 16, 2 * past - 17, other);
  return __builtin_shufflevector(low, high, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
}
static inline f32x16 gather(const float* p, int64_t stride, int64_t w) {
  if (stride == 1) return load16(p, w);
  if (stride == 2) return w >= 16 ? evens(p) : evens(p, 0, w, 0.0f);
  if (w < 16) return picked(p, stride, 0, 1, w, 0.0f, w);
  f32x16 v = {};
#pragma GCC unroll 16
  for (int l = 0; l < 16; ++l) v[l] = p[l * stride];
  return v;
}
// 16 elements that are `step` apart, the first one with index i; `other` where an index, which grows by `apart`, is
// outside of [0, limit). The usual steps without a branch: many of these stand side by side, and half of a small image is border.
static inline f32x16 within(const float* p, int64_t step, int64_t i, int64_t apart, int64_t limit, float other, int64_t w) {
  if ((step == 1 || step == 2) && (apart == 1 || apart == 2)) {
    const int64_t first = apart == 1 ? -i : (1 - i) >> 1, past = least(apart == 1 ? limit - i : (limit - i + 1) >> 1, w);
    return step == 1 ? load16(p, first, past, other) : evens(p, first, past, other);
  }
  const int64_t last = i + (w - 1) * apart;
  if (i >= 0 && i < limit && last >= 0 && last < limit) return gather(p, step, w);
  return picked(p, step, i, apart, limit, other, w);
}
// The larger one; NaN if either is.
static inline float greater(float a, float b) { return a > b || a != a ? a : b; }
static inline f32x16 greater(f32x16 a, f32x16 b) { return ((a > b) | (a != a)) ? a : b; }
// f(i, w) for 16 elements at a time: i from begin to end, of which w count.
template <int unroll, class F> static inline void each16(int64_t begin, int64_t end, F f) {
  int64_t i = begin;
  for (; i + 16 * unroll <= end; i += 16 * unroll)
#pragma GCC unroll 16
    for (int u = 0; u < unroll; ++u) f(i + 16 * u, 16);
  for (; i + 16 <= end; i += 16) f(i, 16);
  if (i < end) f(i, end - i);
}

// i < x.shape[0] * x.shape[1], j < x.shape[2] - 13
extern "C" void y_kernel(int64_t J, int64_t rows, int64_t I, const float* __restrict__ x_from, int64_t x_stride_i, float* __restrict__ out_to, int64_t block, int64_t group) {
  const int64_t begin = block * BLOCK, end = least(begin + BLOCK, J);
  for (int64_t row = group * rows; row < least((group + 1) * rows, I); ++row) {
    const int64_t i = row;
    const float* x_at = x_from + i * x_stride_i + -4;
    const float* x_1_at = x_from + i * x_stride_i + -1;
    const float* x_2_at = x_from + i * x_stride_i + 2;
    const float* x_3_at = x_from + i * x_stride_i + 5;
    const float* x_4_at = x_from + i * x_stride_i + 8;
    const float* x_5_at = x_from + i * x_stride_i + 11;
    const float* x_6_at = x_from + i * x_stride_i + 14;
    const float* x_7_at = x_from + i * x_stride_i + 17;
    float* out_at = out_to + i * J;
    each16<1>(begin, end, [&](int64_t j, int64_t w) {
      const f32x16 x_ = within(x_at + j, 1, (j) + -4, 1, x_stride_i, -__builtin_inff(), w);
      const f32x16 x_1 = within(x_1_at + j, 1, (j) + -1, 1, x_stride_i, -__builtin_inff(), w);
      const f32x16 pool = greater(x_, x_1);
      const f32x16 x_2 = at(x_2_at + j, w);
      const f32x16 pool_1 = greater(pool, x_2);
      const f32x16 x_3 = at(x_3_at + j, w);
      const f32x16 pool_2 = greater(pool_1, x_3);
      const f32x16 x_4 = at(x_4_at + j, w);
      const f32x16 pool_3 = greater(pool_2, x_4);
      const f32x16 x_5 = at(x_5_at + j, w);
      const f32x16 pool_4 = greater(pool_3, x_5);
      const f32x16 x_6 = within(x_6_at + j, 1, (j) + 14, 1, x_stride_i, -__builtin_inff(), w);
      const f32x16 pool_5 = greater(pool_4, x_6);
      const f32x16 x_7 = within(x_7_at + j, 1, (j) + 17, 1, x_stride_i, -__builtin_inff(), w);
      const f32x16 pool_6 = greater(pool_5, x_7);
      const f32x16 y_ = pool_6 < 0.0f ? splat16(0.0f) : pool_6;
      put(out_at + j, y_, w);
    });
  }
}
