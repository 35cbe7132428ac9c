#include <algorithm>
#include <array>

#include "synthesize/builtin/emit/cpp.h"

namespace kerf {
namespace {

struct Helper {
  const char* name;
  const char* needs;  // other helpers, or ""
  const char* text;
};

constexpr std::array helpers = {
    Helper{"least", "", R"(static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
)"},
    Helper{
        "at", "",
        R"(// The first w of 16 elements from p on (w is 16 but at the end of a loop); memory behind them is not touched.
static inline f32x16 at(const float* p, int64_t w) { return w >= 16 ? load16(p) : load16(p, w, 0.0f); }
)"},
    Helper{
        "put", "",
        R"(static inline void put(float* p, f32x16 v, int64_t w) { if (w >= 16) store16(p, v); else store16(p, v, w); }
)"},
    Helper{
        "put_past", "",
        R"(// A store that goes around the caches, where p is aligned: nobody reads it before it would have left them.
static inline void put_past(float* p, f32x16 v, int64_t w) {
  if (w < 16) store16(p, v, w); else if (aligned64(p)) stream16(p, v); else store16(p, v);
}
)"},
    Helper{
        "gather", "",
        R"(// v[l] = p[l * step] where l < w and i + l * apart is in [0, limit), else `other`: one by one, out of the way of what is common.
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
)"},
    Helper{
        "within", "least gather",
        R"(// 16 elements that are `step` apart, the first one with index i; `other` where an index, which grows by `apart`, is
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
)"},
    Helper{
        "of_part", "least gather within",
        R"(// The same of a part that an element is chosen from by its position: most vectors lie in it, or have nothing of it.
static inline f32x16 of_part(const float* p, int64_t step, int64_t i, int64_t apart, int64_t limit, float other, int64_t w) {
  const int64_t last = i + (w - 1) * apart, low = least(i, last), high = i + last - low;
  if (high < 0 || low >= limit) return splat16(other);
  if (w >= 16 && low >= 0 && high < limit) return step == 1 ? load16(p) : gather(p, step, w);
  return within(p, step, i, apart, limit, other, w);
}
)"},
    Helper{"turn", "", R"(// Swaps the blocks of D elements beside the diagonal of two rows that are D apart.
template <int D>
static inline void swap_blocks(f32x16& upper, f32x16& lower) {
  const f32x16 a = upper, b = lower;
  upper = __builtin_shufflevector(a, b, 0 & D ? 16 - D : 0, 1 & D ? 17 - D : 1, 2 & D ? 18 - D : 2, 3 & D ? 19 - D : 3, 4 & D ? 20 - D : 4, 5 & D ? 21 - D : 5, 6 & D ? 22 - D : 6, 7 & D ? 23 - D : 7, 8 & D ? 24 - D : 8, 9 & D ? 25 - D : 9, 10 & D ? 26 - D : 10, 11 & D ? 27 - D : 11, 12 & D ? 28 - D : 12, 13 & D ? 29 - D : 13, 14 & D ? 30 - D : 14, 15 & D ? 31 - D : 15);
  lower = __builtin_shufflevector(a, b, 0 & D ? 16 : 0 + D, 1 & D ? 17 : 1 + D, 2 & D ? 18 : 2 + D, 3 & D ? 19 : 3 + D, 4 & D ? 20 : 4 + D, 5 & D ? 21 : 5 + D, 6 & D ? 22 : 6 + D, 7 & D ? 23 : 7 + D, 8 & D ? 24 : 8 + D, 9 & D ? 25 : 9 + D, 10 & D ? 26 : 10 + D, 11 & D ? 27 : 11 + D, 12 & D ? 28 : 12 + D, 13 & D ? 29 : 13 + D, 14 & D ? 30 : 14 + D, 15 & D ? 31 : 15 + D);
}
// to[j * pitch + i] = p[i * step + j * apart] for i < w and j < h, h at most 16.
static inline void turn(float* to, int64_t pitch, const float* p, int64_t step, int64_t apart, int64_t w, int64_t h) {
  int64_t i = 0;
  if (h == 16 && apart == 1)
    for (; i + 16 <= w; i += 16) {
      f32x16 v[16];
#pragma GCC unroll 16
      for (int l = 0; l < 16; ++l) v[l] = load16(p + (i + l) * step);
#pragma GCC unroll 16
      for (int l = 0; l < 16; ++l) if (!(l & 8)) swap_blocks<8>(v[l], v[l + 8]);
#pragma GCC unroll 16
      for (int l = 0; l < 16; ++l) if (!(l & 4)) swap_blocks<4>(v[l], v[l + 4]);
#pragma GCC unroll 16
      for (int l = 0; l < 16; ++l) if (!(l & 2)) swap_blocks<2>(v[l], v[l + 2]);
#pragma GCC unroll 16
      for (int l = 0; l < 16; ++l) if (!(l & 1)) swap_blocks<1>(v[l], v[l + 1]);
#pragma GCC unroll 16
      for (int l = 0; l < 16; ++l) store16(to + l * pitch + i, v[l]);
    }
  for (; i < w; ++i)
    for (int64_t j = 0; j < h; ++j) to[j * pitch + i] = p[i * step + j * apart];
}
)"},
    Helper{"scatter", "", R"(static inline void scatter(float* p, int64_t stride, f32x16 v, int64_t w) {
  for (int64_t l = 0; l < w; ++l) p[l * stride] = v[l];
}
)"},
    Helper{"whole", "", R"(// Integers as floats: exact below 2^24, and never equal to a smaller one above.
static inline f32x16 whole(const int64_t* p, int64_t stride, int64_t w) {
  f32x16 v = {};
  for (int64_t l = 0; l < w; ++l) v[l] = (float)p[l * stride];
  return v;
}
)"},
    Helper{"flags", "", R"(static inline auto flags(const bool* p, int64_t stride, int64_t w) {
  f32x16 v = {};
  for (int64_t l = 0; l < w; ++l) v[l] = p[l * stride];
  return v != 0.0f;
}
)"},
    Helper{"keep", "", R"(// v, with lanes from w on replaced.
static inline f32x16 keep(f32x16 v, int64_t w, float other) {
  return iota16() < (int32_t)w ? v : splat16(other);
}
)"},
    Helper{"greater", "", R"(// The larger one; NaN if either is.
static inline float greater(float a, float b) { return a > b || a != a ? a : b; }
static inline f32x16 greater(f32x16 a, f32x16 b) { return ((a > b) | (a != a)) ? a : b; }
)"},
    Helper{"smaller", "", R"(// The smaller one; NaN if either is.
static inline float smaller(float a, float b) { return a < b || a != a ? a : b; }
static inline f32x16 smaller(f32x16 a, f32x16 b) { return ((a < b) | (a != a)) ? a : b; }
)"},
    Helper{"each16", "", R"(// f(i, w) for 16 elements at a time: i from begin to end, of which w count.
template <int unroll, class F> static inline void each16(int64_t begin, int64_t end, F f) {
  int64_t i = begin;
  for (; i + 16 * unroll <= end; i += 16 * unroll)
#pragma GCC unroll 16
    for (int u = 0; u < unroll; ++u) f(i + 16 * u, 16);
  for (; i + 16 <= end; i += 16) f(i, 16);
  if (i < end) f(i, end - i);
}
)"},
    Helper{
        "sums", "keep",
        R"(// Adds to total[n] the sum over [begin, end) of the terms t[n] that f(i, w, t) gives for 16 elements: lanes of float for
// `chunk` elements at most, then double.
template <int terms, int accumulators, int64_t chunk, class F>
static inline void sums(int64_t begin, int64_t end, double* total, F f) {
  for (int64_t i = begin; i < end;) {
    const int64_t stop = i + chunk < end ? i + chunk : end;
    f32x16 sum[accumulators][terms] = {}, t[terms];
    for (; i + 16 * accumulators <= stop; i += 16 * accumulators)
#pragma GCC unroll 16
      for (int a = 0; a < accumulators; ++a) {
        f(i + 16 * a, 16, t);
        for (int n = 0; n < terms; ++n) sum[a][n] += t[n];
      }
    for (; i + 16 <= stop; i += 16) {
      f(i, 16, t);
      for (int n = 0; n < terms; ++n) sum[0][n] += t[n];
    }
    if (i < stop) {
      f(i, stop - i, t);
      for (int n = 0; n < terms; ++n) sum[0][n] += keep(t[n], stop - i, 0.0f);
      i = stop;
    }
    for (int n = 0; n < terms; ++n) {
      for (int a = 1; a < accumulators; ++a) sum[0][n] += sum[a][n];
      total[n] += sum16(sum[0][n]);
    }
  }
}
)"},
    Helper{"folds", "keep",
           R"(// Folds into total[n] the terms t[n] that f(i, w, t) gives for 16 elements, over [begin, end).
template <int terms, int accumulators, class Fold, class F>
static inline void folds(int64_t begin, int64_t end, float first, float* total, Fold fold, F f) {
  f32x16 lanes[accumulators][terms], t[terms];
  for (int a = 0; a < accumulators; ++a)
    for (int n = 0; n < terms; ++n) lanes[a][n] = splat16(first);
  int64_t i = begin;
  for (; i + 16 * accumulators <= end; i += 16 * accumulators)
#pragma GCC unroll 16
    for (int a = 0; a < accumulators; ++a) {
      f(i + 16 * a, 16, t);
      for (int n = 0; n < terms; ++n) lanes[a][n] = fold(t[n], lanes[a][n]);
    }
  for (; i < end; i += 16) {
    const int64_t w = end - i < 16 ? end - i : 16;
    f(i, w, t);
    for (int n = 0; n < terms; ++n) lanes[0][n] = fold(keep(t[n], w, first), lanes[0][n]);
  }
  for (int n = 0; n < terms; ++n) {
    for (int a = 1; a < accumulators; ++a) lanes[0][n] = fold(lanes[a][n], lanes[0][n]);
    for (int l = 0; l < 16; ++l) total[n] = fold(lanes[0][n][l], total[n]);
  }
}
)"},
    Helper{"beyond", "", R"(// Whether a is beyond b: larger (or smaller), or NaN where b is none.
template <bool larger, class T> static inline auto beyond(T a, T b) { return (larger ? a > b : a < b) | ((a != a) & (b == b)); }
)"},
    Helper{
        "positions", "keep beyond",
        R"(// The first position of the largest (or smallest) of the terms t[n] that f(i, w, t) gives for 16 elements.
template <int terms, int accumulators, bool larger, class F>
static inline void positions(int64_t begin, int64_t end, float* top, int64_t* position, F f) {
  const float none = larger ? -__builtin_inff() : __builtin_inff();
  f32x16 best[accumulators][terms], t[terms];
  i32x16 where[accumulators][terms];
  for (int a = 0; a < accumulators; ++a)
    for (int n = 0; n < terms; ++n) best[a][n] = splat16(none), where[a][n] = iota16((int32_t)begin);
  int64_t i = begin;
  for (; i < end; i += 16 * accumulators)
#pragma GCC unroll 16
    for (int a = 0; a < accumulators; ++a) {
      const int64_t first = i + 16 * a, w = end - first < 16 ? end - first : 16;
      if (w <= 0) break;
      f(first, w, t);
      for (int n = 0; n < terms; ++n) {
        const f32x16 now = w < 16 ? keep(t[n], w, none) : t[n];
        const i32x16 better = beyond<larger>(now, best[a][n]);
        best[a][n] = better ? now : best[a][n];
        where[a][n] = better ? iota16((int32_t)first) : where[a][n];
      }
    }
  for (int n = 0; n < terms; ++n) {
    position[n] = begin;
    top[n] = none;
    for (int a = 0; a < accumulators; ++a)
      for (int l = 0; l < 16; ++l) {
        const float v = best[a][n][l];
        const bool same = v == top[n] || (v != v && top[n] != top[n]);
        if (v != none && (beyond<larger>(v, top[n]) || (same && where[a][n][l] < position[n]))) top[n] = v, position[n] = where[a][n][l];
      }
  }
}
)"},
    Helper{"put_positions", "", R"(static inline void put_positions(int64_t* p, int64_t stride, i32x16 v, int64_t w) {
  for (int64_t l = 0; l < w; ++l) p[l * stride] = v[l];
}
)"},
    Helper{"compared", "", R"(template <class F> static inline i32x16 compared(int64_t w, F f) {
  i32x16 v = {};
  for (int64_t l = 0; l < w; ++l) v[l] = -(int32_t)f(l);
  return v;
}
)"},
    Helper{"moments", "keep sums",
           R"(// Count, sum, and sum of squares of deviations from the mean, joined pairwise.
struct Moments { double count = 0, sum = 0, squares = 0; };
static inline void join(Moments& a, double count, double sum, double squares) {
  const double apart = a.count > 0 ? sum / count - a.sum / a.count : 0;
  a.squares += squares + apart * apart * (a.count * count / (a.count + count));
  a.count += count;
  a.sum += sum;
}
// Joins the values that f(i, w) gives for 16 elements over [begin, end): `chunk` of them at a time, about their own mean.
template <int accumulators, int64_t chunk, class F>
static inline void moments(int64_t begin, int64_t end, Moments& total, F f) {
  float term[chunk + 16];
  for (int64_t i = begin; i < end; i += chunk) {
    const int64_t n = i + chunk < end ? chunk : end - i;
    double sum = 0, squares = 0;
    sums<1, accumulators, chunk>(0, n, &sum, [&](int64_t k, int64_t w, f32x16* t) {
      t[0] = f(i + k, w);
      store16(term + k, t[0]);
    });
    const float centre = (float)(sum / n);
    sums<1, accumulators, chunk>(0, n, &squares, [&](int64_t k, int64_t, f32x16* t) {
      const f32x16 apart = load16(term + k) - centre;
      t[0] = apart * apart;
    });
    join(total, (double)n, sum, squares);
  }
}
)"},
    Helper{"exponentials", "keep sums folds greater",
           R"(// The largest value, and the sum of exp(value - largest).
struct Exponentials { float top = -__builtin_inff(); double total = 0; };
static inline void raise(Exponentials& a, float top) {
  if (top == a.top) return;
  a.total *= exp1(a.top - top);
  a.top = top;
}
static inline void join(Exponentials& a, double top, double total) {
  const float both = greater((float)top, a.top);
  if (both == -__builtin_inff()) return;
  raise(a, both);
  a.total += total * exp1((float)top - both);
}
// NaN where nothing is above minus infinity.
static inline double sum_of(const Exponentials& a) { return a.top == -__builtin_inff() ? __builtin_nan("") : a.total; }
// Joins the values that f(i, w) gives for 16 elements over [begin, end), `chunk` of them at a time.
template <int accumulators, int64_t chunk, class F>
static inline void exponentials(int64_t begin, int64_t end, Exponentials& total, F f) {
  float term[chunk + 16];
  for (int64_t i = begin; i < end; i += chunk) {
    const int64_t n = i + chunk < end ? chunk : end - i;
    float top = total.top;
    folds<1, accumulators>(0, n, -__builtin_inff(), &top, [](auto a, auto b) { return greater(a, b); },
                           [&](int64_t k, int64_t w, f32x16* t) {
                             t[0] = f(i + k, w);
                             store16(term + k, t[0]);
                           });
    if (top == -__builtin_inff()) continue;
    raise(total, top);
    sums<1, accumulators, chunk>(0, n, &total.total,
                                 [&](int64_t k, int64_t, f32x16* t) { t[0] = exp16(load16(term + k) - top); });
  }
}
)"},
    Helper{"backwards", "", R"(// Elements p[0], p[-1] … of which w count.
static inline f32x16 backwards(const float* p, int64_t w) {
  if (w >= 16) {
    const f32x16 v = load16(p - 15);
    return __builtin_shufflevector(v, v, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
  }
  f32x16 v = {};
  for (int64_t l = 0; l < w; ++l) v[l] = p[-l];
  return v;
}
)"},
    Helper{"scan16", "keep", R"(// How scans join what they have: in double.
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
)"},
    Helper{"map", "", R"(template <class F> static inline f32x16 map(f32x16 v, F f) {
  for (int l = 0; l < 16; ++l) v[l] = f(v[l]);
  return v;
}
)"},
    Helper{"power", "", R"(static inline f32x16 power(f32x16 a, f32x16 b) {
  for (int l = 0; l < 16; ++l) a[l] = __builtin_powf(a[l], b[l]);
  return a;
}
)"},
};

}  // namespace

std::string cpp_helpers(const std::vector<std::string>& used) {
  const auto among = [](const std::string& names, const std::string& name) {
    return (" " + names + " ").find(" " + name + " ") != std::string::npos;
  };
  std::string text;
  for (const Helper& helper : helpers) {
    const bool wanted = std::ranges::any_of(used, [&](const std::string& name) {
      return name == helper.name || std::ranges::any_of(helpers, [&](const Helper& other) {
               return name == other.name && among(other.needs, helper.name);
             });
    });
    if (wanted) text += helper.text;
  }
  return text;
}

}  // namespace kerf
