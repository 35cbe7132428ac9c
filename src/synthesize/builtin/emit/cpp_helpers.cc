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
    Helper{"at", "",
           R"(// The first w elements from p on (w is vlen but at the end of a loop); memory behind them is not touched.
static inline f32v at(const float* p, int64_t w) { return w >= vlen ? loadv(p) : loadv(p, w, 0.0f); }
)"},
    Helper{"put", "",
           R"(static inline void put(float* p, f32v v, int64_t w) { if (w >= vlen) storev(p, v); else storev(p, v, w); }
)"},
    Helper{
        "put_past", "",
        R"(// A store that goes around the caches, where p is aligned: nobody reads it before it would have left them.
static inline void put_past(float* p, f32v v, int64_t w) {
  if (w < vlen) storev(p, v, w); else if (alignedv(p)) streamv(p, v); else storev(p, v);
}
)"},
    Helper{
        "gather", "",
        R"(// v[l] = p[l * step] where l < w and i + l * apart is in [0, limit), else `other`: one by one, out of the way of what is common.
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
)"},
    Helper{
        "within", "least gather",
        R"(// Elements that are `step` apart, the first one with index i; `other` where an index, which grows by `apart`, is
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
)"},
    Helper{
        "of_part", "least gather within",
        R"(// The same of a part that an element is chosen from by its position: most vectors lie in it, or have nothing of it.
static inline f32v of_part(const float* p, int64_t step, int64_t i, int64_t apart, int64_t limit, float other, int64_t w) {
  const int64_t last = i + (w - 1) * apart, low = least(i, last), high = i + last - low;
  if (high < 0 || low >= limit) return splatv(other);
  if (w >= vlen && low >= 0 && high < limit) return step == 1 ? loadv(p) : gather(p, step, w);
  return within(p, step, i, apart, limit, other, w);
}
)"},
    Helper{"turn", "", R"(// Swaps the blocks of D elements beside the diagonal of two rows that are D apart.
template <int D>
static inline void swap_blocks(f32v& upper, f32v& lower) {
  const f32v a = upper, b = lower;
  upper = shuffle(a, b, [](int l) { return l & D ? vlen + l - D : l; });
  lower = shuffle(a, b, [](int l) { return l & D ? vlen + l : l + D; });
}
template <int D>
static inline void swap_all_blocks(f32v* v) {
#pragma GCC unroll 16
  for (int l = 0; l < vlen; ++l) if (!(l & D)) swap_blocks<D>(v[l], v[l + D]);
  if constexpr (D > 1) swap_all_blocks<D / 2>(v);
}
// to[j * pitch + i] = p[i * step + j * apart] for i < w and j < h, h at most 16: a line of the cache.
static inline void turn(float* to, int64_t pitch, const float* p, int64_t step, int64_t apart, int64_t w, int64_t h) {
  int64_t i = 0;
  if (h == 16 && apart == 1)
    for (; i + vlen <= w; i += vlen)
      for (int j = 0; j < 16; j += vlen) {
        f32v v[vlen];
#pragma GCC unroll 16
        for (int l = 0; l < vlen; ++l) v[l] = loadv(p + (i + l) * step + j);
        swap_all_blocks<vlen / 2>(v);
#pragma GCC unroll 16
        for (int l = 0; l < vlen; ++l) storev(to + (j + l) * pitch + i, v[l]);
      }
  for (; i < w; ++i)
    for (int64_t j = 0; j < h; ++j) to[j * pitch + i] = p[i * step + j * apart];
}
)"},
    Helper{"scatter", "", R"(static inline void scatter(float* p, int64_t stride, f32v v, int64_t w) {
  for (int64_t l = 0; l < w; ++l) p[l * stride] = v[l];
}
)"},
    Helper{"whole", "", R"(// Integers as floats: exact below 2^24, and never equal to a smaller one above.
static inline f32v whole(const int64_t* p, int64_t stride, int64_t w) {
  f32v v = {};
  for (int64_t l = 0; l < w; ++l) v[l] = (float)p[l * stride];
  return v;
}
)"},
    Helper{"flags", "", R"(static inline auto flags(const bool* p, int64_t stride, int64_t w) {
  f32v v = {};
  for (int64_t l = 0; l < w; ++l) v[l] = p[l * stride];
  return v != 0.0f;
}
)"},
    Helper{"keep", "", R"(// v, with lanes from w on replaced.
static inline f32v keep(f32v v, int64_t w, float other) {
  return iotav() < (int32_t)w ? v : splatv(other);
}
)"},
    Helper{"greater", "", R"(// The larger one; NaN if either is.
static inline float greater(float a, float b) { return a > b || a != a ? a : b; }
static inline f32v greater(f32v a, f32v b) { return ((a > b) | (a != a)) ? a : b; }
)"},
    Helper{"smaller", "", R"(// The smaller one; NaN if either is.
static inline float smaller(float a, float b) { return a < b || a != a ? a : b; }
static inline f32v smaller(f32v a, f32v b) { return ((a < b) | (a != a)) ? a : b; }
)"},
    Helper{"eachv", "", R"(// f(i, w) for a vector of elements at a time: i from begin to end, of which w count.
template <int unroll, class F> static inline void eachv(int64_t begin, int64_t end, F f) {
  int64_t i = begin;
  for (; i + vlen * unroll <= end; i += vlen * unroll)
#pragma GCC unroll 16
    for (int u = 0; u < unroll; ++u) f(i + vlen * u, vlen);
  for (; i + vlen <= end; i += vlen) f(i, vlen);
  if (i < end) f(i, end - i);
}
)"},
    Helper{
        "sums", "keep",
        R"(// Adds to total[n] the sum over [begin, end) of the terms t[n] that f(i, w, t) gives for a vector: lanes of float for
// `chunk` elements at most, then double.
template <int terms, int accumulators, int64_t chunk, class F>
static inline void sums(int64_t begin, int64_t end, double* total, F f) {
  for (int64_t i = begin; i < end;) {
    const int64_t stop = i + chunk < end ? i + chunk : end;
    f32v sum[accumulators][terms] = {}, t[terms];
    for (; i + vlen * accumulators <= stop; i += vlen * accumulators)
#pragma GCC unroll 16
      for (int a = 0; a < accumulators; ++a) {
        f(i + vlen * a, vlen, t);
        for (int n = 0; n < terms; ++n) sum[a][n] += t[n];
      }
    for (; i + vlen <= stop; i += vlen) {
      f(i, vlen, t);
      for (int n = 0; n < terms; ++n) sum[0][n] += t[n];
    }
    if (i < stop) {
      f(i, stop - i, t);
      for (int n = 0; n < terms; ++n) sum[0][n] += keep(t[n], stop - i, 0.0f);
      i = stop;
    }
    for (int n = 0; n < terms; ++n) {
      for (int a = 1; a < accumulators; ++a) sum[0][n] += sum[a][n];
      total[n] += sumv(sum[0][n]);
    }
  }
}
)"},
    Helper{"folds", "keep",
           R"(// Folds into total[n] the terms t[n] that f(i, w, t) gives for a vector, over [begin, end).
template <int terms, int accumulators, class Fold, class F>
static inline void folds(int64_t begin, int64_t end, float first, float* total, Fold fold, F f) {
  f32v lanes[accumulators][terms], t[terms];
  for (int a = 0; a < accumulators; ++a)
    for (int n = 0; n < terms; ++n) lanes[a][n] = splatv(first);
  int64_t i = begin;
  for (; i + vlen * accumulators <= end; i += vlen * accumulators)
#pragma GCC unroll 16
    for (int a = 0; a < accumulators; ++a) {
      f(i + vlen * a, vlen, t);
      for (int n = 0; n < terms; ++n) lanes[a][n] = fold(t[n], lanes[a][n]);
    }
  for (; i < end; i += vlen) {
    const int64_t w = end - i < vlen ? end - i : vlen;
    f(i, w, t);
    for (int n = 0; n < terms; ++n) lanes[0][n] = fold(keep(t[n], w, first), lanes[0][n]);
  }
  for (int n = 0; n < terms; ++n) {
    for (int a = 1; a < accumulators; ++a) lanes[0][n] = fold(lanes[a][n], lanes[0][n]);
    for (int l = 0; l < vlen; ++l) total[n] = fold(lanes[0][n][l], total[n]);
  }
}
)"},
    Helper{"beyond", "", R"(// Whether a is beyond b: larger (or smaller), or NaN where b is none.
template <bool larger, class T> static inline auto beyond(T a, T b) { return (larger ? a > b : a < b) | ((a != a) & (b == b)); }
)"},
    Helper{"positions", "keep beyond",
           R"(// The first position of the largest (or smallest) of the terms t[n] that f(i, w, t) gives for a vector.
template <int terms, int accumulators, bool larger, class F>
static inline void positions(int64_t begin, int64_t end, float* top, int64_t* position, F f) {
  const float none = larger ? -__builtin_inff() : __builtin_inff();
  f32v best[accumulators][terms], t[terms];
  i32v where[accumulators][terms];
  for (int a = 0; a < accumulators; ++a)
    for (int n = 0; n < terms; ++n) best[a][n] = splatv(none), where[a][n] = iotav((int32_t)begin);
  int64_t i = begin;
  for (; i < end; i += vlen * accumulators)
#pragma GCC unroll 16
    for (int a = 0; a < accumulators; ++a) {
      const int64_t first = i + vlen * a, w = end - first < vlen ? end - first : vlen;
      if (w <= 0) break;
      f(first, w, t);
      for (int n = 0; n < terms; ++n) {
        const f32v now = w < vlen ? keep(t[n], w, none) : t[n];
        const i32v better = beyond<larger>(now, best[a][n]);
        best[a][n] = better ? now : best[a][n];
        where[a][n] = better ? iotav((int32_t)first) : where[a][n];
      }
    }
  for (int n = 0; n < terms; ++n) {
    position[n] = begin;
    top[n] = none;
    for (int a = 0; a < accumulators; ++a)
      for (int l = 0; l < vlen; ++l) {
        const float v = best[a][n][l];
        const bool same = v == top[n] || (v != v && top[n] != top[n]);
        if (v != none && (beyond<larger>(v, top[n]) || (same && where[a][n][l] < position[n]))) top[n] = v, position[n] = where[a][n][l];
      }
  }
}
)"},
    Helper{"put_positions", "", R"(static inline void put_positions(int64_t* p, int64_t stride, i32v v, int64_t w) {
  for (int64_t l = 0; l < w; ++l) p[l * stride] = v[l];
}
)"},
    Helper{"put_flags", "", R"(static inline void put_flags(bool* p, int64_t stride, i32v v, int64_t w) {
  typedef int8_t bytes __attribute__((vector_size(vlen)));
  if (stride == 1 && w >= vlen) {
    const bytes all = __builtin_convertvector(v & 1, bytes);
    __builtin_memcpy(p, &all, sizeof all);
    return;
  }
  for (int64_t l = 0; l < w; ++l) p[l * stride] = v[l] != 0;
}
)"},
    Helper{"looked_up", "",
           R"(// p[index] for each lane, one by one where the indices are no neighbours.
static inline f32v looked_up(const float* p, f32v index, int64_t w) {
  const i32v at = __builtin_convertvector(index, i32v), apart = at - iotav(at[0]);
  int32_t far = 0;
  for (int l = 0; l < vlen; ++l) far |= apart[l];
  if (w >= vlen && far == 0) return loadv(p + at[0]);
  f32v v = {};
  for (int64_t l = 0; l < w; ++l) v[l] = p[at[l]];
  return v;
}
)"},
    Helper{"each_lane", "", R"(template <class F> static inline f32v each_lane(int64_t w, F address) {
  f32v v = {};
  for (int64_t l = 0; l < w; ++l) v[l] = (float)*address(l);
  return v;
}
)"},
    Helper{"compared", "", R"(template <class F> static inline i32v compared(int64_t w, F f) {
  i32v v = {};
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
// Joins the values that f(i, w) gives for a vector over [begin, end): `chunk` of them at a time, about their own mean.
template <int accumulators, int64_t chunk, class F>
static inline void moments(int64_t begin, int64_t end, Moments& total, F f) {
  float term[chunk + vlen];
  for (int64_t i = begin; i < end; i += chunk) {
    const int64_t n = i + chunk < end ? chunk : end - i;
    double sum = 0, squares = 0;
    sums<1, accumulators, chunk>(0, n, &sum, [&](int64_t k, int64_t w, f32v* t) {
      t[0] = f(i + k, w);
      storev(term + k, t[0]);
    });
    const float centre = (float)(sum / n);
    sums<1, accumulators, chunk>(0, n, &squares, [&](int64_t k, int64_t, f32v* t) {
      const f32v apart = loadv(term + k) - centre;
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
// Joins the values that f(i, w) gives for a vector over [begin, end), `chunk` of them at a time.
template <int accumulators, int64_t chunk, class F>
static inline void exponentials(int64_t begin, int64_t end, Exponentials& total, F f) {
  float term[chunk + vlen];
  for (int64_t i = begin; i < end; i += chunk) {
    const int64_t n = i + chunk < end ? chunk : end - i;
    float top = total.top;
    folds<1, accumulators>(0, n, -__builtin_inff(), &top, [](auto a, auto b) { return greater(a, b); },
                           [&](int64_t k, int64_t w, f32v* t) {
                             t[0] = f(i + k, w);
                             storev(term + k, t[0]);
                           });
    if (top == -__builtin_inff()) continue;
    raise(total, top);
    sums<1, accumulators, chunk>(0, n, &total.total,
                                 [&](int64_t k, int64_t, f32v* t) { t[0] = expv(loadv(term + k) - top); });
  }
}
)"},
    Helper{"backwards", "", R"(// Elements p[0], p[-1] … of which w count.
static inline f32v backwards(const float* p, int64_t w) {
  if (w >= vlen) {
    const f32v v = loadv(p - (vlen - 1));
    return shuffle(v, v, [](int l) { return vlen - 1 - l; });
  }
  f32v v = {};
  for (int64_t l = 0; l < w; ++l) v[l] = p[-l];
  return v;
}
)"},
    Helper{"scanv", "keep", R"(// How scans join what they have: in double.
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
)"},
    Helper{"map", "", R"(template <class F> static inline f32v map(f32v v, F f) {
  for (int l = 0; l < vlen; ++l) v[l] = f(v[l]);
  return v;
}
)"},
    Helper{"power", "", R"(static inline f32v power(f32v a, f32v b) {
  for (int l = 0; l < vlen; ++l) a[l] = __builtin_powf(a[l], b[l]);
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
