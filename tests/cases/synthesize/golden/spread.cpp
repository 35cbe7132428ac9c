/* /// kerf
version = 1
supports = "x.ndim == 2 and x.shape[0] == 16 and x.shape[1] == 40 and y.ndim == 2 and y.shape[0] == 16 and y.shape[1] == 24"
[tune]
BLOCK1 = [16384]
BLOCK2 = [1024]
[[scratch]]
name = "amax"
dtype = "f32"
shape = ["y.shape[0]", 1]
[[step]]
launch = "amax_kernel"
grid = ["cdiv(y.shape[0], max(1, BLOCK1 // (y.shape[1])))"]
args = ["max(1, BLOCK1 // (y.shape[1]))", "y.shape[0]", "y", "y.shape[1]", "amax"]
[[step]]
launch = "add_kernel"
grid = ["cdiv(x.shape[1], BLOCK2)", "cdiv(x.shape[0], max(1, BLOCK2 // (x.shape[1])))"]
args = ["x.shape[1]", "max(1, BLOCK2 // (x.shape[1]))", "x.shape[0]", "amax", "x", "out"]
/// */

static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
// The first w elements from p on (w is vlen but at the end of a loop); memory behind them is not touched.
static inline f32v at(const float* p, int64_t w) { return w >= vlen ? loadv(p) : loadv(p, w, 0.0f); }
static inline void put(float* p, f32v v, int64_t w) { if (w >= vlen) storev(p, v); else storev(p, v, w); }
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

// i < y.shape[0], j < y.shape[1]
extern "C" void amax_kernel(int64_t rows, int64_t I, const float* __restrict__ y_from, int64_t J, float* __restrict__ out_to, int64_t group) {
  for (int64_t row = group * rows; row < least((group + 1) * rows, I); ++row) {
    const int64_t i = row;
    float max_of_pass_1[1] = {-__builtin_inff()};
    const float* y_at = y_from + i * J;
    const auto max_of_pass_1_of = [](auto a, auto b) { return greater(a, b); };
    folds<1, 4>(0, J, -__builtin_inff(), max_of_pass_1, max_of_pass_1_of, [&](int64_t j, [[maybe_unused]] int64_t w, f32v* term) {
      const f32v y_ = at(y_at + j, w);
      term[0] = y_;
    });
    const float amax = max_of_pass_1[0];
    out_to[i] = amax;
  }
}

// i < x.shape[0], j < x.shape[1]
extern "C" void add_kernel(int64_t J, int64_t rows, int64_t I, const float* __restrict__ amax_from, const float* __restrict__ x_from, float* __restrict__ out_to, int64_t block, int64_t group) {
  const int64_t begin = block * BLOCK2, end = least(begin + BLOCK2, J);
  for (int64_t row = group * rows; row < least((group + 1) * rows, I); ++row) {
    const int64_t i = row;
    const float amax = amax_from[i];
    const float* x_at = x_from + i * J;
    float* out_at = out_to + i * J;
    eachv<4>(begin, end, [&](int64_t j, int64_t w) {
      const f32v x_ = at(x_at + j, w);
      const f32v add = amax + x_;
      put(out_at + j, add, w);
    });
  }
}
