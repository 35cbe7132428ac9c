/* /// kerf
version = 1
supports = "x.ndim == 4 and x.shape[0] == 64 and x.shape[1] == 3 and x.shape[2] == 32 and x.shape[3] == 32"
[tune]
BLOCK = [16384]
[[step]]
launch = "sum_1_kernel"
grid = ["cdiv(x.shape[0], max(1, BLOCK // ((x.shape[1] * ((x.shape[2] - 4) // 4 + 1)) * ((x.shape[3] - 4) // 4 + 1))))"]
args = ["max(1, BLOCK // ((x.shape[1] * ((x.shape[2] - 4) // 4 + 1)) * ((x.shape[3] - 4) // 4 + 1)))", "x.shape[0]", "x.shape[1] * ((x.shape[2] - 4) // 4 + 1)", "x", "x.shape[2] * x.shape[3] * x.shape[1]", "x.shape[3] * 4", "x.shape[3]", "(x.shape[3] - 4) // 4 + 1", "out"]
/// */

static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
// v[l] = p[l * step] where l < w and i + l * apart is in [0, limit), else `other`: one by one, out of the way of what is common.
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

// i < x.shape[0], j < x.shape[1] * ((x.shape[2] - 4) // 4 + 1), k < (x.shape[3] - 4) // 4 + 1
extern "C" void sum_1_kernel(int64_t rows, int64_t I, int64_t J, const float* __restrict__ x_from, int64_t x_stride_i, int64_t x_stride_j, int64_t x_4_step, int64_t K, float* __restrict__ out_to, int64_t group) {
  for (int64_t row = group * rows; row < least((group + 1) * rows, I); ++row) {
    const int64_t i = row;
    double sum_of_pass_1[1] = {0};
    for (int64_t j = 0; j < J; ++j) {
      const float* x_at = x_from + i * x_stride_i + j * x_stride_j;
      const float* x_1_at = x_from + i * x_stride_i + j * x_stride_j + 1;
      const float* x_2_at = x_from + i * x_stride_i + j * x_stride_j + 2;
      const float* x_3_at = x_from + i * x_stride_i + j * x_stride_j + 3;
      const float* x_4_at = x_from + i * x_stride_i + j * x_stride_j + 1 * x_4_step;
      const float* x_5_at = x_from + i * x_stride_i + j * x_stride_j + 1 + 1 * x_4_step;
      const float* x_6_at = x_from + i * x_stride_i + j * x_stride_j + 2 + 1 * x_4_step;
      const float* x_7_at = x_from + i * x_stride_i + j * x_stride_j + 3 + 1 * x_4_step;
      const float* x_8_at = x_from + i * x_stride_i + j * x_stride_j + 2 * x_4_step;
      const float* x_9_at = x_from + i * x_stride_i + j * x_stride_j + 1 + 2 * x_4_step;
      const float* x_10_at = x_from + i * x_stride_i + j * x_stride_j + 2 + 2 * x_4_step;
      const float* x_11_at = x_from + i * x_stride_i + j * x_stride_j + 3 + 2 * x_4_step;
      const float* x_12_at = x_from + i * x_stride_i + j * x_stride_j + 3 * x_4_step;
      const float* x_13_at = x_from + i * x_stride_i + j * x_stride_j + 1 + 3 * x_4_step;
      const float* x_14_at = x_from + i * x_stride_i + j * x_stride_j + 2 + 3 * x_4_step;
      const float* x_15_at = x_from + i * x_stride_i + j * x_stride_j + 3 + 3 * x_4_step;
      sums<1, 4, 1024>(0, K, sum_of_pass_1, [&](int64_t k, [[maybe_unused]] int64_t w, f32v* term) {
        const f32v x_ = gather(x_at + k * 4, 4, w);
        const f32v x_1 = gather(x_1_at + k * 4, 4, w);
        const f32v avg_pool2d = x_ + x_1;
        const f32v x_2 = gather(x_2_at + k * 4, 4, w);
        const f32v avg_pool2d_1 = avg_pool2d + x_2;
        const f32v x_3 = gather(x_3_at + k * 4, 4, w);
        const f32v avg_pool2d_2 = avg_pool2d_1 + x_3;
        const f32v x_4 = gather(x_4_at + k * 4, 4, w);
        const f32v avg_pool2d_3 = avg_pool2d_2 + x_4;
        const f32v x_5 = gather(x_5_at + k * 4, 4, w);
        const f32v avg_pool2d_4 = avg_pool2d_3 + x_5;
        const f32v x_6 = gather(x_6_at + k * 4, 4, w);
        const f32v avg_pool2d_5 = avg_pool2d_4 + x_6;
        const f32v x_7 = gather(x_7_at + k * 4, 4, w);
        const f32v avg_pool2d_6 = avg_pool2d_5 + x_7;
        const f32v x_8 = gather(x_8_at + k * 4, 4, w);
        const f32v avg_pool2d_7 = avg_pool2d_6 + x_8;
        const f32v x_9 = gather(x_9_at + k * 4, 4, w);
        const f32v avg_pool2d_8 = avg_pool2d_7 + x_9;
        const f32v x_10 = gather(x_10_at + k * 4, 4, w);
        const f32v avg_pool2d_9 = avg_pool2d_8 + x_10;
        const f32v x_11 = gather(x_11_at + k * 4, 4, w);
        const f32v avg_pool2d_10 = avg_pool2d_9 + x_11;
        const f32v x_12 = gather(x_12_at + k * 4, 4, w);
        const f32v avg_pool2d_11 = avg_pool2d_10 + x_12;
        const f32v x_13 = gather(x_13_at + k * 4, 4, w);
        const f32v avg_pool2d_12 = avg_pool2d_11 + x_13;
        const f32v x_14 = gather(x_14_at + k * 4, 4, w);
        const f32v avg_pool2d_13 = avg_pool2d_12 + x_14;
        const f32v x_15 = gather(x_15_at + k * 4, 4, w);
        const f32v avg_pool2d_14 = avg_pool2d_13 + x_15;
        const f32v avg_pool2d_16 = avg_pool2d_14 / 16.0f;
        const f32v sigmoid = sigmoidv(avg_pool2d_16);
        term[0] = sigmoid;
      });
    }
    const double sum_1 = sum_of_pass_1[0];
    out_to[i] = sum_1;
  }
}
