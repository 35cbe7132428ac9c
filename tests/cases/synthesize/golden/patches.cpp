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
// The first w of 16 elements from p on (w is 16 but at the end of a loop); memory behind them is not touched.
static inline f32x16 at(const float* p, int64_t w) { return w >= 16 ? load16(p) : load16(p, w, 0.0f); }
static inline void put(float* p, f32x16 v, int64_t w) { if (w >= 16) store16(p, v); else store16(p, v, w); }
// v, with lanes from w on replaced.
static inline f32x16 keep(f32x16 v, int64_t w, float other) {
  return iota16() < (int32_t)w ? v : splat16(other);
}
// f(i, w) for 16 elements at a time: i from begin to end, of which w count.
template <int unroll, class F> static inline void each16(int64_t begin, int64_t end, F f) {
  int64_t i = begin;
  for (; i + 16 * unroll <= end; i += 16 * unroll)
#pragma GCC unroll 16
    for (int u = 0; u < unroll; ++u) f(i + 16 * u, 16);
  for (; i + 16 <= end; i += 16) f(i, 16);
  if (i < end) f(i, end - i);
}
// Adds to total[n] the sum over [begin, end) of the terms t[n] that f(i, w, t) gives for 16 elements: lanes of float for
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
// Count, sum, and sum of squares of deviations from the mean, joined pairwise.
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
      const f32x16 cls = at(cls_from + k, w);
      const f32x16 patches = j + -1 >= 0 ? at(patches_at + k, w) : splat16(0.0f);
      const f32x16 cat_2 = cat_1 ? cls : patches;
      const f32x16 place = at(place_at + k, w);
      const f32x16 add = cat_2 + place;
      return add;
    });
    const double norm_1 = moments_of_pass_1.sum;
    const double norm_5 = moments_of_pass_1.squares;
    const double norm_2 = norm_1 / norm_count_value;
    const double norm_6 = norm_5 / norm_count_value;
    const double norm_7 = norm_6 + 1e-05f;
    const float norm_8 = 1.0f / sqrt1(norm_7);
    float* out_at = out_to + i * J * K + j * K;
    each16<2>(0, K, [&](int64_t k, int64_t w) {
      const f32x16 cls = at(cls_from + k, w);
      const f32x16 patches = j + -1 >= 0 ? at(patches_at + k, w) : splat16(0.0f);
      const f32x16 cat_2 = cat_1 ? cls : patches;
      const f32x16 place = at(place_at + k, w);
      const f32x16 add = cat_2 + place;
      const f32x16 norm_3 = add - (float)norm_2;
      const f32x16 norm_9 = norm_3 * norm_8;
      const f32x16 weight = at(weight_from + k, w);
      const f32x16 norm_10 = norm_9 * weight;
      const f32x16 bias = at(bias_from + k, w);
      const f32x16 norm_11 = norm_10 + bias;
      prefetch(place_at + k + K);
      put(out_at + k, norm_11, w);
    });
  }
}
