/* /// kerf
version = 1
supports = "x.ndim == 4 and x.shape[0] == 32 and x.shape[1] == 8 and x.shape[2] == 7 and x.shape[3] == 7"
[tune]
BLOCK = [16384]
[[step]]
launch = "group_norm_kernel"
grid = ["cdiv(x.shape[0] * 4, max(1, BLOCK // ((x.shape[1] // 4) * x.shape[2] * x.shape[3])))"]
args = ["max(1, BLOCK // ((x.shape[1] // 4) * x.shape[2] * x.shape[3]))", "x.shape[0]", 4, "x.shape[1] // 4", "x", "x.shape[2] * x.shape[3]", "f32(x.shape[2] * x.shape[3] * (x.shape[1] // 4))", "w", "b", "out"]
/// */

static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
// The first w elements from p on (w is vlen but at the end of a loop); memory behind them is not touched.
static inline f32v at(const float* p, int64_t w) { return w >= vlen ? loadv(p) : loadv(p, w, 0.0f); }
static inline void put(float* p, f32v v, int64_t w) { if (w >= vlen) storev(p, v); else storev(p, v, w); }
// v, with lanes from w on replaced.
static inline f32v keep(f32v v, int64_t w, float other) {
  return iotav() < (int32_t)w ? v : splatv(other);
}
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
// Count, sum, and sum of squares of deviations from the mean, joined pairwise.
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

// i < x.shape[0], j < 4, k < x.shape[1] // 4, l < x.shape[2] * x.shape[3]
extern "C" void group_norm_kernel(int64_t rows, int64_t I, int64_t J, int64_t K, const float* __restrict__ x_from, int64_t L, float group_norm_count_value, const float* __restrict__ w_from, const float* __restrict__ b_from, float* __restrict__ out_to, int64_t group) {
  for (int64_t row = group * rows; row < least((group + 1) * rows, I * J); ++row) {
    const int64_t i = row / J;
    const int64_t j = row % J;
    Moments moments_of_pass_1;
    for (int64_t k = 0; k < K; ++k) {
      const float* x_at = x_from + i * J * K * L + j * K * L + k * L;
      moments<4, 1024>(0, L, moments_of_pass_1, [&](int64_t l, [[maybe_unused]] int64_t w) {
        const f32v x_ = at(x_at + l, w);
        return x_;
      });
    }
    const double group_norm_1 = moments_of_pass_1.sum;
    const double group_norm_5 = moments_of_pass_1.squares;
    const double group_norm_2 = group_norm_1 / group_norm_count_value;
    const double group_norm_6 = group_norm_5 / group_norm_count_value;
    const double group_norm_7 = group_norm_6 + 1e-05f;
    const float group_norm_8 = 1.0f / sqrt1(group_norm_7);
    for (int64_t k = 0; k < K; ++k) {
      const float w_ = w_from[j * K + k];
      const float b_ = b_from[j * K + k];
      const float* x_at = x_from + i * J * K * L + j * K * L + k * L;
      float* out_at = out_to + i * J * K * L + j * K * L + k * L;
      eachv<2>(0, L, [&](int64_t l, int64_t w) {
        const f32v x_ = at(x_at + l, w);
        const f32v group_norm_3 = x_ - (float)group_norm_2;
        const f32v group_norm_9 = group_norm_3 * group_norm_8;
        const f32v group_norm_10 = group_norm_9 * w_;
        const f32v group_norm_11 = group_norm_10 + b_;
        prefetch(x_at + l + L);
        put(out_at + l, group_norm_11, w);
      });
    }
  }
}
