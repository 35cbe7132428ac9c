/* /// kerf
version = 1
supports = "x.ndim == 2 and x.shape[0] == 512 and x.shape[1] == 4096"
[tune]
BLOCK = [16384]
[[step]]
launch = "log_softmax_kernel"
grid = ["cdiv(x.shape[0], max(1, BLOCK // (x.shape[1])))"]
args = ["max(1, BLOCK // (x.shape[1]))", "x.shape[0]", "x", "x.shape[1]", "out"]
/// */

static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
// The first w elements from p on (w is vlen but at the end of a loop); memory behind them is not touched.
static inline f32v at(const float* p, int64_t w) { return w >= vlen ? loadv(p) : loadv(p, w, 0.0f); }
// A store that goes around the caches, where p is aligned: nobody reads it before it would have left them.
static inline void put_past(float* p, f32v v, int64_t w) {
  if (w < vlen) storev(p, v, w); else if (alignedv(p)) streamv(p, v); else storev(p, v);
}
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
// Adds to total[n] the sum over [begin, end) of the terms t[n] that f(i, w, t) gives for a vector: lanes of float for
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

// i < x.shape[0], j < x.shape[1]
extern "C" void log_softmax_kernel(int64_t rows, int64_t I, const float* __restrict__ x_from, int64_t J, float* __restrict__ out_to, int64_t group) {
  for (int64_t row = group * rows; row < least((group + 1) * rows, I); ++row) {
    const int64_t i = row;
    float max_of_pass_1[1] = {-__builtin_inff()};
    const float* x_at = x_from + i * J;
    const auto max_of_pass_1_of = [](auto a, auto b) { return greater(a, b); };
    folds<1, 4>(0, J, -__builtin_inff(), max_of_pass_1, max_of_pass_1_of, [&](int64_t j, [[maybe_unused]] int64_t w, f32v* term) {
      const f32v x_ = at(x_at + j, w);
      term[0] = x_;
    });
    const float log_softmax = max_of_pass_1[0];
    double sum_of_pass_2[1] = {0};
    sums<1, 4, 1024>(0, J, sum_of_pass_2, [&](int64_t j, [[maybe_unused]] int64_t w, f32v* term) {
      const f32v x_ = at(x_at + j, w);
      const f32v log_softmax_1 = x_ - log_softmax;
      const f32v log_softmax_2 = expv(log_softmax_1);
      prefetch(x_at + j + J);
      term[0] = log_softmax_2;
    });
    const double log_softmax_3 = sum_of_pass_2[0];
    const float log_softmax_4 = log1(log_softmax_3);
    float* out_at = out_to + i * J;
    eachv<2>(0, J, [&](int64_t j, int64_t w) {
      const f32v x_ = at(x_at + j, w);
      const f32v log_softmax_1 = x_ - log_softmax;
      const f32v log_softmax_5 = log_softmax_1 - log_softmax_4;
      put_past(out_at + j, log_softmax_5, w);
    });
  }
  stream_end();
}
