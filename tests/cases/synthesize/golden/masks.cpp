/* /// kerf
version = 1
supports = "x.ndim == 2 and x.shape[0] == 64 and x.shape[1] == 300 and y.ndim == 2 and y.shape[0] == 64 and y.shape[1] == 300"
[tune]
BLOCK = [16384]
[[step]]
launch = "any_kernel"
grid = ["cdiv(y.shape[0], max(1, BLOCK // (y.shape[1])))"]
args = ["max(1, BLOCK // (y.shape[1]))", "y.shape[0]", "y", "y.shape[1]", "x", "out0", "out1"]
[[step]]
call = "aten.msort.default"
args = ["out0"]
out = "out2"
/// */

static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
// The first w elements from p on (w is vlen but at the end of a loop); memory behind them is not touched.
static inline f32v at(const float* p, int64_t w) { return w >= vlen ? loadv(p) : loadv(p, w, 0.0f); }
// v, with lanes from w on replaced.
static inline f32v keep(f32v v, int64_t w, float other) {
  return iotav() < (int32_t)w ? v : splatv(other);
}
// The larger one; NaN if either is.
static inline float greater(float a, float b) { return a > b || a != a ? a : b; }
static inline f32v greater(f32v a, f32v b) { return ((a > b) | (a != a)) ? a : b; }
// f(i, w) for a vector of elements at a time: i from begin to end, of which w count.
template <int unroll, class F> static inline void eachv(int64_t begin, int64_t end, F f) {
  int64_t i = begin;
  for (; i + vlen * unroll <= end; i += vlen * unroll)
#pragma GCC unroll 16
    for (int u = 0; u < unroll; ++u) f(i + vlen * u, vlen);
  for (; i + vlen <= end; i += vlen) f(i, vlen);
  if (i < end) f(i, end - i);
}
// Folds into total[n] the terms t[n] that f(i, w, t) gives for a vector, over [begin, end).
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
static inline void put_flags(bool* p, int64_t stride, i32v v, int64_t w) {
  typedef int8_t bytes __attribute__((vector_size(vlen)));
  if (stride == 1 && w >= vlen) {
    const bytes all = __builtin_convertvector(v & 1, bytes);
    __builtin_memcpy(p, &all, sizeof all);
    return;
  }
  for (int64_t l = 0; l < w; ++l) p[l * stride] = v[l] != 0;
}

// i < y.shape[0], j < y.shape[1]
extern "C" void any_kernel(int64_t rows, int64_t I, const float* __restrict__ y_from, int64_t J, const float* __restrict__ x_from, bool* __restrict__ out0_to, bool* __restrict__ out1_to, int64_t group) {
  for (int64_t row = group * rows; row < least((group + 1) * rows, I); ++row) {
    const int64_t i = row;
    float max_of_pass_1[1] = {-__builtin_inff()};
    const float* y_at = y_from + i * J;
    const float* x_at = x_from + i * J;
    const auto max_of_pass_1_of = [](auto a, auto b) { return greater(a, b); };
    folds<1, 4>(0, J, -__builtin_inff(), max_of_pass_1, max_of_pass_1_of, [&](int64_t j, [[maybe_unused]] int64_t w, f32v* term) {
      const f32v y_ = at(y_at + j, w);
      const f32v x_ = at(x_at + j, w);
      const auto gt = x_ > y_;
      const auto isnan = x_ != x_;
      const auto logical_or = gt | isnan;
      const f32v any = logical_or ? splatv(1.0f) : splatv(0.0f);
      term[0] = any;
    });
    const float any_1 = max_of_pass_1[0];
    const bool any_3 = any_1 != 0.0f;
    bool* out0_at = out0_to + i * J;
    eachv<2>(0, J, [&](int64_t j, int64_t w) {
      const f32v y_ = at(y_at + j, w);
      const f32v x_ = at(x_at + j, w);
      const auto gt = x_ > y_;
      const auto isnan = x_ != x_;
      const auto logical_or = gt | isnan;
      prefetch(y_at + j + J);
      prefetch(x_at + j + J);
      put_flags(out0_at + (j) * 1, 1, logical_or, w);
    });
    out1_to[i] = any_3;
  }
}
