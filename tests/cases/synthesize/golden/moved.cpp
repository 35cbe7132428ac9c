/* /// kerf
version = 1
supports = "x.ndim == 4 and x.shape[0] == 2 and x.shape[1] == 3 and x.shape[2] == 20 and x.shape[3] == 50"
[tune]
BLOCK = [1024]
[[step]]
launch = "abs_kernel"
grid = ["cdiv(x.shape[3] + 3, BLOCK)", "cdiv(x.shape[0] * x.shape[1] * (3 + x.shape[2]), max(1, BLOCK // (x.shape[3] + 3)))"]
args = ["x.shape[3] + 3", "max(1, BLOCK // (x.shape[3] + 3))", "x.shape[0] * x.shape[1]", "3 + x.shape[2]", "x", "x.shape[2] * x.shape[3]", "x.shape[3] * (-1)", "x.shape[3] - 3", "x.shape[3]", "x.shape[2] - 1", "out"]
/// */

static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
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
// The same of a part that an element is chosen from by its position: most vectors lie in it, or have nothing of it.
static inline f32x16 of_part(const float* p, int64_t step, int64_t i, int64_t apart, int64_t limit, float other, int64_t w) {
  const int64_t last = i + (w - 1) * apart, low = least(i, last), high = i + last - low;
  if (high < 0 || low >= limit) return splat16(other);
  if (w >= 16 && low >= 0 && high < limit) return step == 1 ? load16(p) : gather(p, step, w);
  return within(p, step, i, apart, limit, other, w);
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

// i < x.shape[0] * x.shape[1], j < 3 + x.shape[2], k < x.shape[3] + 3
extern "C" void abs_kernel(int64_t K, int64_t rows, int64_t I, int64_t J, const float* __restrict__ x_flipped_from, int64_t x_flipped_stride_i, int64_t x_flipped_stride_j, int64_t x_flipped_shift, int64_t x_flipped_step, int64_t x_flipped_shift_1, float* __restrict__ out_to, int64_t block, int64_t group) {
  const int64_t begin = block * BLOCK, end = least(begin + BLOCK, K);
  for (int64_t row = group * rows; row < least((group + 1) * rows, I * J); ++row) {
    const int64_t i = row / J;
    const int64_t j = row % J;
    const float* x_flipped_at = x_flipped_from + i * x_flipped_stride_i + j * x_flipped_stride_j + x_flipped_shift + x_flipped_shift_1 * x_flipped_step;
    const float* x_flipped_1_at = x_flipped_from + i * x_flipped_stride_i + j * x_flipped_stride_j + -6 + x_flipped_shift_1 * x_flipped_step;
    float* out_at = out_to + i * J * K + j * K;
    each16<1>(begin, end, [&](int64_t k, int64_t w) {
      const f32x16 o_index = __builtin_convertvector(iota16((int32_t)(k)), f32x16);
      const auto roll_1 = o_index < 5.0f;
      const f32x16 x_flipped = j * -1 + x_flipped_shift_1 >= 0 ? of_part(x_flipped_at + k, 1, (k) + x_flipped_shift, 1, x_flipped_step, 0.5f, w) : splat16(0.5f);
      const f32x16 x_flipped_1 = j * -1 + x_flipped_shift_1 >= 0 ? of_part(x_flipped_1_at + k, 1, (k) + -6, 1, x_flipped_step, 0.5f, w) : splat16(0.5f);
      const f32x16 roll_flipped = roll_1 ? x_flipped : x_flipped_1;
      const f32x16 abs = abs16(roll_flipped);
      put(out_at + k, abs, w);
    });
  }
}
