/* /// kerf
version = 1
supports = "x.ndim == 3 and x.shape[0] == 6 and x.shape[1] == 500 and x.shape[2] == 300"
[tune]
BLOCK = [256]
[[step]]
launch = "r_kernel"
grid = ["cdiv(x.shape[2], BLOCK)", "x.shape[0]"]
args = ["x.shape[2]", "x.shape[1]", "x", "out"]
/// */

static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
// The first w of 16 elements from p on (w is 16 but at the end of a loop); memory behind them is not touched.
static inline f32x16 at(const float* p, int64_t w) { return w >= 16 ? load16(p) : load16(p, w, 0.0f); }
// A store that goes around the caches, where p is aligned: nobody reads it before it would have left them.
static inline void put_past(float* p, f32x16 v, int64_t w) {
  if (w < 16) store16(p, v, w); else if (aligned64(p)) stream16(p, v); else store16(p, v);
}
// v, with lanes from w on replaced.
static inline f32x16 keep(f32x16 v, int64_t w, float other) {
  return iota16() < (int32_t)w ? v : splat16(other);
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

// i < x.shape[0], j < x.shape[1], k < x.shape[2]
extern "C" void r_kernel(int64_t K, int64_t J, const float* __restrict__ x_from, float* __restrict__ out_to, int64_t block, int64_t row) {
  const int64_t begin = block * BLOCK, width = least(BLOCK, K - begin);
  const int64_t i = row;
  double p_so_far[BLOCK];
  for (int64_t c = 0; c < BLOCK; ++c) p_so_far[c] = Times::none;
  for (int64_t j = 0; j < J; ++j) {
    const float* x_at = x_from + i * J * K + j * K;
    float* out_at = out_to + i * J * K + j * K;
    each16<1>(0, width, [&](int64_t c, [[maybe_unused]] int64_t w) {
      const f32x16 x_ = at(x_at + begin + c, w);
      const f32x16 p_ = step16<Times>(x_, p_so_far + c);
      const f32x16 r_ = p_ < 0.0f ? splat16(0.0f) : p_;
      put_past(out_at + begin + c, r_, w);
    });
  }
  stream_end();
}
