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
args = ["max(1, BLOCK1 // (x.shape[1]))", "x.shape[0]", "t", "x", "x.shape[1]", "f32(x.shape[1])", "loss_rows"]
[[step]]
launch = "loss_kernel"
grid = [1]
args = ["loss_rows", "loss_rows.shape[0]", "f32(loss_rows.shape[0])", "out"]
/// */

static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
// The first w elements from p on (w is vlen but at the end of a loop); memory behind them is not touched.
static inline f32v at(const float* p, int64_t w) { return w >= vlen ? loadv(p) : loadv(p, w, 0.0f); }
// v, with lanes from w on replaced.
static inline f32v keep(f32v v, int64_t w, float other) {
  return iotav() < (int32_t)w ? v : splatv(other);
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

// i < x.shape[0], j < x.shape[1]
extern "C" void loss_rows_kernel(int64_t rows, int64_t I, const int64_t* __restrict__ t_from, const float* __restrict__ x_from, int64_t J, float loss_rows_count_value, float* __restrict__ out_to, int64_t group) {
  for (int64_t row = group * rows; row < least((group + 1) * rows, I); ++row) {
    const int64_t i = row;
    const int64_t t_ = t_from[i];
    double sum_of_pass_1[1] = {0};
    const float* x_at = x_from + i * J;
    sums<1, 4, 1024>(0, J, sum_of_pass_1, [&](int64_t j, [[maybe_unused]] int64_t w, f32v* term) {
      const f32v x_ = at(x_at + j, w);
      const f32v j_index = __builtin_convertvector(iotav((int32_t)(j)), f32v);
      const auto loss_rows_1 = j_index == (float)t_;
      const f32v loss_rows_2 = loss_rows_1 ? x_ : splatv(0.0f);
      term[0] = loss_rows_2;
    });
    const double loss_rows_3 = sum_of_pass_1[0];
    const double loss_rows_5 = 1.0f - loss_rows_3;
    double sum_of_pass_2[1] = {0};
    sums<1, 4, 1024>(0, J, sum_of_pass_2, [&](int64_t j, [[maybe_unused]] int64_t w, f32v* term) {
      const f32v x_ = at(x_at + j, w);
      const f32v j_index = __builtin_convertvector(iotav((int32_t)(j)), f32v);
      const auto loss_rows_1 = j_index == (float)t_;
      const f32v loss_rows_6 = (float)loss_rows_5 + x_;
      const f32v loss_rows_7 = loss_rows_6 * loss_rows_6;
      const auto loss_rows_8 = loss_rows_6 > 0.0f;
      const f32v loss_rows_9 = loss_rows_8 ? loss_rows_7 : splatv(0.0f);
      const f32v loss_rows_10 = loss_rows_1 ? splatv(0.0f) : loss_rows_9;
      prefetch(x_at + j + J);
      term[0] = loss_rows_10;
    });
    const double loss_rows_11 = sum_of_pass_2[0];
    const double loss_rows_12 = loss_rows_11 / loss_rows_count_value;
    out_to[i] = loss_rows_12;
  }
}

// i < loss_rows.shape[0]
extern "C" void loss_kernel(const float* __restrict__ loss_rows_from, int64_t I, float loss_count_value, float* __restrict__ out_to, int64_t task) {
  double sum_of_pass_1[1] = {0};
  sums<1, 4, 1024>(0, I, sum_of_pass_1, [&](int64_t i, [[maybe_unused]] int64_t w, f32v* term) {
    const f32v loss_rows = at(loss_rows_from + i, w);
    term[0] = loss_rows;
  });
  const double loss = sum_of_pass_1[0];
  const double loss_1 = loss / loss_count_value;
  out_to[0] = loss_1;
}
