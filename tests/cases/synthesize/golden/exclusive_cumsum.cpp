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
static inline void put(float* p, f32v v, int64_t w) { if (w >= vlen) storev(p, v); else storev(p, v, w); }
// v[l] = p[l * step] where l < w and i + l * apart is in [0, limit), else `other`: one by one, out of the way of what is common.
[[gnu::noinline, gnu::cold]] static f32v picked(const float* p, int64_t step, int64_t i, int64_t apart, int64_t limit, float other, int64_t w) {
  f32v v = splatv(other);
  for (int64_t l = 0; l < w; ++l)
    if (i + l * apart >= 0 && i + l * apart < limit) v[l] = p[l * step];
  return v;
}
// Every second element from p[0] on; nothing behind the last one is touched.
static inline f32v evens(const float* p) {
  return shuffle(loadv(p), loadv(p + vlen - 1), [](int l) { return l < vlen / 2 ? 2 * l : 2 * l + 1; });
}
// The same, lanes from `first` to before `past`; the others are `other`.
static inline f32v evens(const float* p, int64_t first, int64_t past, float other) {
  const f32v low = loadv(p, 2 * first, 2 * past - 1, other), high = loadv(p + vlen, 2 * first - vlen, 2 * past - 1 - vlen, other);
  return shuffle(low, high, [](int l) { return 2 * l; });
}
static inline f32v gather(const float* p, int64_t stride, int64_t w) {
  if (stride == 1) return loadv(p, w);
  if (stride == 2) return w >= vlen ? evens(p) : evens(p, 0, w, 0.0f);
  if (w < vlen) return picked(p, stride, 0, 1, w, 0.0f, w);
  f32v v = {};
#pragma GCC unroll 16
  for (int l = 0; l < vlen; ++l) v[l] = p[l * stride];
  return v;
}
// Elements that are `step` apart, the first one with index i; `other` where an index, which grows by `apart`, is
// outside of [0, limit). The usual steps without a branch: many of these stand side by side, and half of a small image is border.
static inline f32v within(const float* p, int64_t step, int64_t i, int64_t apart, int64_t limit, float other, int64_t w) {
  if ((step == 1 || step == 2) && (apart == 1 || apart == 2)) {
    const int64_t first = apart == 1 ? -i : (1 - i) >> 1, past = least(apart == 1 ? limit - i : (limit - i + 1) >> 1, w);
    return step == 1 ? loadv(p, first, past, other) : evens(p, first, past, other);
  }
  const int64_t last = i + (w - 1) * apart;
  if (i >= 0 && i < limit && last >= 0 && last < limit) return gather(p, step, w);
  return picked(p, step, i, apart, limit, other, w);
}
// The same of a part that an element is chosen from by its position: most vectors lie in it, or have nothing of it.
static inline f32v of_part(const float* p, int64_t step, int64_t i, int64_t apart, int64_t limit, float other, int64_t w) {
  const int64_t last = i + (w - 1) * apart, low = least(i, last), high = i + last - low;
  if (high < 0 || low >= limit) return splatv(other);
  if (w >= vlen && low >= 0 && high < limit) return step == 1 ? loadv(p) : gather(p, step, w);
  return within(p, step, i, apart, limit, other, w);
}
// v, with lanes from w on replaced.
static inline f32v keep(f32v v, int64_t w, float other) {
  return iotav() < (int32_t)w ? v : splatv(other);
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
// Lanes moved on by `by`, or back; `other` comes after them.
template <int by, bool backward> static inline f64v shifted(f64v v, f64v other) {
  if constexpr (backward) return shuffle(v, other, [](int l) { return l + by; });
  return shuffle(other, v, [](int l) { return vlen / 2 - by + l; });
}
template <class J, bool backward> static inline f64v scan_half(f64v v) {
  v = J::join(shifted<1, backward>(v, splatv(J::none)), v);
  v = J::join(shifted<2, backward>(v, splatv(J::none)), v);
  if constexpr (vlen == 16) v = J::join(shifted<4, backward>(v, splatv(J::none)), v);
  return v;
}
// A row's next w elements; `so_far` is what those before come to.
template <class J, bool backward> static inline f32v scanv(f32v v, int64_t w, double& so_far) {
  if (w < vlen) v = keep(v, w, (float)J::none);
  f64v low = scan_half<J, backward>(widen_low(v));
  f64v high = scan_half<J, backward>(widen_high(v));
  if constexpr (backward) {
    const double middle = J::join(so_far, high[0]);
    high = J::join(splatv(so_far), high);
    so_far = J::join(middle, low[0]);
    low = J::join(splatv(middle), low);
  } else {
    const double middle = J::join(so_far, low[vlen / 2 - 1]);
    low = J::join(splatv(so_far), low);
    so_far = J::join(middle, high[vlen / 2 - 1]);
    high = J::join(splatv(middle), high);
  }
  return narrow(low, high);
}
// The next element of each column.
template <class J> static inline f32v stepv(f32v v, double* so_far) {
  const f64v low = J::join(loadv(so_far), widen_low(v));
  const f64v high = J::join(loadv(so_far + vlen / 2), widen_high(v));
  storev(so_far, low);
  storev(so_far + vlen / 2, high);
  return narrow(low, high);
}
// What w elements come to, lane by lane, and what the lanes do.
template <class J> static inline void take_in(f32v v, int64_t w, f64v& lanes) {
  if (w < vlen) v = keep(v, w, (float)J::none);
  lanes = J::join(lanes, J::join(widen_low(v), widen_high(v)));
}
template <class J> static inline double all_lanes(f64v lanes) {
  double all = lanes[0];
  for (int l = 1; l < vlen / 2; ++l) all = J::join(all, lanes[l]);
  return all;
}
// f(i, w) for a vector of elements at a time, from `begin` to `end` or the other way round.
template <bool backward, class F> static inline void alongv(int64_t begin, int64_t end, F f) {
  const int64_t whole = begin + (end - begin) / vlen * vlen;
  if (backward && whole < end) f(whole, end - whole);
  if (backward)
    for (int64_t i = whole - vlen; i >= begin; i -= vlen) f(i, vlen);
  else
    for (int64_t i = begin; i < whole; i += vlen) f(i, vlen);
  if (!backward && whole < end) f(whole, end - whole);
}

// i < x.shape[0], j < x.shape[1]
extern "C" void cat_kernel(int64_t rows, int64_t I, int64_t J, const float* __restrict__ x_from, float* __restrict__ out_to, int64_t group) {
  for (int64_t row = group * rows; row < least((group + 1) * rows, I); ++row) {
    const int64_t i = row;
    double cat_so_far = Plus::none;
    const float* x_at = x_from + i * J + -1;
    float* out_at = out_to + i * J;
    alongv<false>(0, J, [&](int64_t j, int64_t w) {
      const f32v x_ = of_part(x_at + j, 1, (j) + -1, 1, J, 0.0f, w);
      const f32v o_index = __builtin_convertvector(iotav((int32_t)(j)), f32v);
      const f32v cat_terms_2 = o_index * 1.0f;
      const f32v cat_terms_3 = -1.0f + cat_terms_2;
      const auto cat_terms_5 = cat_terms_3 >= 0.0f;
      const f32v cat_terms_6 = cat_terms_5 ? x_ : splatv(0.0f);
      const f32v cat = scanv<Plus, false>(cat_terms_6, w, cat_so_far);
      put(out_at + j, cat, w);
    });
  }
}
