/* /// kerf
version = 1
supports = "x.ndim == 2 and x.shape[0] == 64 and x.shape[1] == 1000 and t.ndim == 1 and t.shape[0] == 64"
[tune]
BLOCK1 = [16384]
BLOCK2 = [16384]
[[scratch]]
name = "loss_rows"
dtype = "f32"
shape = ["x.shape[0]"]
[[step]]
launch = "loss_rows_kernel"
grid = ["cdiv(x.shape[0], max(1, BLOCK1 // (x.shape[1])))"]
args = ["max(1, BLOCK1 // (x.shape[1]))", "x.shape[0]", "t", "x", "x.shape[1]", "loss_rows"]
[[step]]
launch = "loss_kernel"
grid = [1]
args = ["loss_rows", "t", "loss_rows.shape[0]", "out"]
/// */

static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
// The first w elements from p on (w is vlen but at the end of a loop); memory behind them is not touched.
static inline f32v at(const float* p, int64_t w) { return w >= vlen ? loadv(p) : loadv(p, w, 0.0f); }
// Integers as floats: exact below 2^24, and never equal to a smaller one above.
static inline f32v whole(const int64_t* p, int64_t stride, int64_t w) {
  f32v v = {};
  for (int64_t l = 0; l < w; ++l) v[l] = (float)p[l * stride];
  return v;
}
// v, with lanes from w on replaced.
static inline f32v keep(f32v v, int64_t w, float other) {
  return iotav() < (int32_t)w ? v : splatv(other);
}
// The larger one; NaN if either is.
static inline float greater(float a, float b) { return a > b || a != a ? a : b; }
static inline f32v greater(f32v a, f32v b) { return ((a > b) | (a != a)) ? a : b; }
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
extern "C" void loss_rows_kernel(int64_t rows, int64_t I, const int64_t* __restrict__ t_from, const float* __restrict__ x_from, int64_t J, float* __restrict__ out_to, int64_t group) {
  for (int64_t row = group * rows; row < least((group + 1) * rows, I); ++row) {
    const int64_t i = row;
    const int64_t t_ = t_from[i];
    const bool loss_rows_11 = t_ == -100.0f;
    float max_of_pass_1[1] = {-__builtin_inff()};
    const float* x_at = x_from + i * J;
    const auto max_of_pass_1_of = [](auto a, auto b) { return greater(a, b); };
    folds<1, 4>(0, J, -__builtin_inff(), max_of_pass_1, max_of_pass_1_of, [&](int64_t j, [[maybe_unused]] int64_t w, f32v* term) {
      const f32v x_ = at(x_at + j, w);
      term[0] = x_;
    });
    const float loss_rows = max_of_pass_1[0];
    double sum_of_pass_2[2] = {0, 0};
    sums<2, 4, 1024>(0, J, sum_of_pass_2, [&](int64_t j, [[maybe_unused]] int64_t w, f32v* term) {
      const f32v x_ = at(x_at + j, w);
      const f32v loss_rows_1 = x_ - loss_rows;
      const f32v loss_rows_2 = expv(loss_rows_1);
      const f32v j_index = __builtin_convertvector(iotav((int32_t)(j)), f32v);
      const auto loss_rows_5 = j_index == (float)t_;
      const f32v loss_rows_6 = loss_rows_5 ? loss_rows_1 : splatv(0.0f);
      prefetch(x_at + j + J);
      term[0] = loss_rows_2;
      term[1] = loss_rows_6;
    });
    const double loss_rows_3 = sum_of_pass_2[0];
    const double loss_rows_7 = sum_of_pass_2[1];
    const float loss_rows_8 = log1(loss_rows_3);
    const double loss_rows_9 = loss_rows_8 - loss_rows_7;
    const float loss_rows_12 = loss_rows_11 ? 0.0f : loss_rows_9;
    out_to[i] = loss_rows_12;
  }
}

// i < loss_rows.shape[0]
extern "C" void loss_kernel(const float* __restrict__ loss_rows_from, const int64_t* __restrict__ t_from, int64_t I, float* __restrict__ out_to, int64_t task) {
  double sum_of_pass_1[2] = {0, 0};
  sums<2, 4, 1024>(0, I, sum_of_pass_1, [&](int64_t i, [[maybe_unused]] int64_t w, f32v* term) {
    const f32v loss_rows = at(loss_rows_from + i, w);
    const f32v t_ = whole(t_from + i, 1, w);
    const auto loss_counts_1 = t_ != -100.0f;
    const f32v loss_count = loss_counts_1 ? splatv(1.0f) : splatv(0.0f);
    term[0] = loss_rows;
    term[1] = loss_count;
  });
  const double loss_total = sum_of_pass_1[0];
  const double loss_count_1 = sum_of_pass_1[1];
  const double loss = loss_total / loss_count_1;
  out_to[0] = loss;
}
