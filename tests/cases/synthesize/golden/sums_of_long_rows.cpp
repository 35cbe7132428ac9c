/* /// kerf
version = 1
supports = "a.ndim == 2 and a.shape[0] == 600 and a.shape[1] == 2097152"
[tune]
BLOCK = [16384]
[[step]]
launch = "sum_1_kernel"
grid = ["cdiv(a.shape[0], max(1, BLOCK // (a.shape[1])))"]
args = ["max(1, BLOCK // (a.shape[1]))", "a.shape[0]", "a", "a.shape[1]", "out"]
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

// i < a.shape[0], j < a.shape[1]
extern "C" void sum_1_kernel(int64_t rows, int64_t I, const float* __restrict__ a_from, int64_t J, float* __restrict__ out_to, int64_t group) {
  for (int64_t row = group * rows; row < least((group + 1) * rows, I); ++row) {
    const int64_t i = row;
    double sum_of_pass_1[1] = {0};
    const float* a_at = a_from + i * J;
    sums<1, 4, 1024>(0, J, sum_of_pass_1, [&](int64_t j, [[maybe_unused]] int64_t w, f32v* term) {
      const f32v a_ = at(a_at + j, w);
      term[0] = a_;
    });
    const double sum_1 = sum_of_pass_1[0];
    out_to[i] = sum_1;
  }
}
