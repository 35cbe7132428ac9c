/* /// kerf
version = 1
supports = "x.ndim == 2 and x.shape[0] == 64 and x.shape[1] == 1000"
[tune]
BLOCK = [16384]
[[step]]
launch = "cat_kernel"
grid = ["cdiv(x.shape[0], max(1, BLOCK // (x.shape[1])))"]
args = ["max(1, BLOCK // (x.shape[1]))", "x.shape[0]", "x.shape[1]", "x", "out"]
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
// v, with lanes from w on replaced.
static inline f32x16 keep(f32x16 v, int64_t w, float other) {
  return iota16() < (int32_t)w ? v : splat16(other);
}
// How scans join what they have: in double.
struct Plus {
  static constexpr double none = 0;
  template <class T> static inline T join(T a, T b) { return a + b; }
};
struct Times {
  static constexpr double none = 1;
  template <class T> static inline T join(T a, T b) { return a * b; }
};
struct Greatest {
  static constexpr double none = -__builtin_inf();
  template <class T> static inline T join(T a, T b) { return (a > b) | (a != a) ? a : b; }
};
struct Smallest {
  static constexpr double none = __builtin_inf();
  template <class T> static inline T join(T a, T b) { return (a < b) | (a != a) ? a : b; }
};
static inline f64x8 widened(f32x8 v) {
#if defined(__AVX512F__) && !defined(__clang__)
  return (f64x8)__builtin_ia32_cvtps2pd512_mask(v, f64x8{}, -1, 4);  // g++ 12 would convert halves
#else
  return __builtin_convertvector(v, f64x8);
#endif
}
// Lanes moved on by `by`, or back; `other` comes after them.
template <int by, bool backward> static inline f64x8 shifted(f64x8 v, f64x8 other) {
  if constexpr (backward) {
    return __builtin_shufflevector(v, other, by, 1 + by, 2 + by, 3 + by, 4 + by, 5 + by, 6 + by, 7 + by);
  } else {
    return __builtin_shufflevector(other, v, 8 - by, 9 - by, 10 - by, 11 - by, 12 - by, 13 - by, 14 - by, 15 - by);
  }
}
template <class J, bool backward> static inline f64x8 scan8(f64x8 v) {
  v = J::join(shifted<1, backward>(v, splat8(J::none)), v);
  v = J::join(shifted<2, backward>(v, splat8(J::none)), v);
  return J::join(shifted<4, backward>(v, splat8(J::none)), v);
}
// A row's next w elements; `so_far` is what those before come to.
template <class J, bool backward> static inline f32x16 scan16(f32x16 v, int64_t w, double& so_far) {
  if (w < 16) v = keep(v, w, (float)J::none);
  f64x8 low = scan8<J, backward>(widened(kerf_low(v)));
  f64x8 high = scan8<J, backward>(widened(kerf_high(v)));
  if constexpr (backward) {
    const double middle = J::join(so_far, high[0]);
    high = J::join(splat8(so_far), high);
    so_far = J::join(middle, low[0]);
    low = J::join(splat8(middle), low);
  } else {
    const double middle = J::join(so_far, low[7]);
    low = J::join(splat8(so_far), low);
    so_far = J::join(middle, high[7]);
    high = J::join(splat8(middle), high);
  }
  return narrow(low, high);
}
// The next element of 16 columns.
template <class J> static inline f32x16 step16(f32x16 v, double* so_far) {
  const f64x8 low = J::join(load8(so_far), widened(kerf_low(v)));
  const f64x8 high = J::join(load8(so_far + 8), widened(kerf_high(v)));
  store8(so_far, low);
  store8(so_far + 8, high);
  return narrow(low, high);
}
// What w elements come to, lane by lane, and what the lanes do.
template <class J> static inline void take_in(f32x16 v, int64_t w, f64x8& lanes) {
  if (w < 16) v = keep(v, w, (float)J::none);
  lanes = J::join(lanes, J::join(widened(kerf_low(v)), widened(kerf_high(v))));
}
template <class J> static inline double all8(f64x8 lanes) {
  double all = lanes[0];
  for (int l = 1; l < 8; ++l) all = J::join(all, lanes[l]);
  return all;
}
// f(i, w) for 16 elements at a time, from `begin` to `end` or the other way round.
template <bool backward, class F> static inline void along16(int64_t begin, int64_t end, F f) {
  const int64_t whole = begin + (end - begin) / 16 * 16;
  if (backward && whole < end) f(whole, end - whole);
  if (backward)
    for (int64_t i = whole - 16; i >= begin; i -= 16) f(i, 16);
  else
    for (int64_t i = begin; i < whole; i += 16) f(i, 16);
  if (!backward && whole < end) f(whole, end - whole);
}

// i < x.shape[0], j < x.shape[1]
extern "C" void cat_kernel(int64_t rows, int64_t I, int64_t J, const float* __restrict__ x_from, float* __restrict__ out_to, int64_t group) {
  for (int64_t row = group * rows; row < least((group + 1) * rows, I); ++row) {
    const int64_t i = row;
    double cat_so_far = Plus::none;
    const float* x_at = x_from + i * J + -1;
    float* out_at = out_to + i * J;
    along16<false>(0, J, [&](int64_t j, int64_t w) {
      const f32x16 x_ = of_part(x_at + j, 1, (j) + -1, 1, J, 0.0f, w);
      const f32x16 o_index = __builtin_convertvector(iota16((int32_t)(j)), f32x16);
      const f32x16 cat_terms_2 = o_index * 1.0f;
      const f32x16 cat_terms_3 = -1.0f + cat_terms_2;
      const auto cat_terms_5 = cat_terms_3 >= 0.0f;
      const f32x16 cat_terms_6 = cat_terms_5 ? x_ : splat16(0.0f);
      const f32x16 cat = scan16<Plus, false>(cat_terms_6, w, cat_so_far);
      put(out_at + j, cat, w);
    });
  }
}
