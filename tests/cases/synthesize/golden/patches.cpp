/* /// kerf
version = 1
supports = "patches.ndim == 3 and patches.shape[0] == 3 and patches.shape[1] == 16 and patches.shape[2] == 32"
[tune]
BLOCK = [16384]
[[step]]
launch = "norm_kernel"
grid = ["cdiv(3 * (1 + patches.shape[1]), max(1, BLOCK // (cls.shape[2])))"]
args = ["max(1, BLOCK // (cls.shape[2]))", 3, "1 + patches.shape[1]", "cls", "patches", "patches.shape[1] * cls.shape[2]", "cls.shape[2]", "place", "cls.shape[2]", "f32(cls.shape[2])", "weight", "bias", "out"]
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

// i < 3, j < 1 + patches.shape[1], k < cls.shape[2]
extern "C" void norm_kernel(int64_t rows, int64_t I, int64_t J, const float* __restrict__ cls_from, const float* __restrict__ patches_from, int64_t patches_stride_i, int64_t patches_stride_j, const float* __restrict__ place_from, int64_t K, float norm_count_value, const float* __restrict__ weight_from, const float* __restrict__ bias_from, float* __restrict__ out_to, int64_t group) {
  for (int64_t row = group * rows; row < least((group + 1) * rows, I * J); ++row) {
    const int64_t i = row / J;
    const int64_t j = row % J;
    const float o_index = (float)j;
    const bool cat_1 = o_index < 1.0f;
    Moments moments_of_pass_1;
    const float* patches_at = patches_from + i * patches_stride_i + j * patches_stride_j + -1 * patches_stride_j;
    const float* place_at = place_from + j * K;
    moments<4, 1024>(0, K, moments_of_pass_1, [&](int64_t k, [[maybe_unused]] int64_t w) {
      const f32v cls = at(cls_from + k, w);
      const f32v patches = j + -1 >= 0 ? at(patches_at + k, w) : splatv(0.0f);
      const f32v cat_2 = cat_1 ? cls : patches;
      const f32v place = at(place_at + k, w);
      const f32v add = cat_2 + place;
      return add;
    });
    const double norm_1 = moments_of_pass_1.sum;
    const double norm_5 = moments_of_pass_1.squares;
    const double norm_2 = norm_1 / norm_count_value;
    const double norm_6 = norm_5 / norm_count_value;
    const double norm_7 = norm_6 + 1e-05f;
    const float norm_8 = 1.0f / sqrt1(norm_7);
    float* out_at = out_to + i * J * K + j * K;
    eachv<2>(0, K, [&](int64_t k, int64_t w) {
      const f32v cls = at(cls_from + k, w);
      const f32v patches = j + -1 >= 0 ? at(patches_at + k, w) : splatv(0.0f);
      const f32v cat_2 = cat_1 ? cls : patches;
      const f32v place = at(place_at + k, w);
      const f32v add = cat_2 + place;
      const f32v norm_3 = add - (float)norm_2;
      const f32v norm_9 = norm_3 * norm_8;
      const f32v weight = at(weight_from + k, w);
      const f32v norm_10 = norm_9 * weight;
      const f32v bias = at(bias_from + k, w);
      const f32v norm_11 = norm_10 + bias;
      prefetch(place_at + k + K);
      put(out_at + k, norm_11, w);
    });
  }
}
