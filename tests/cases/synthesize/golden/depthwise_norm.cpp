/* /// kerf
version = 1
supports = "x.ndim == 4 and x.shape[0] == 2 and x.shape[1] == 8 and x.shape[2] == 15 and x.shape[3] == 61"
[tune]
BLOCK = [16384]
[[scratch]]
name = "relu_kernel_kept"
dtype = "f32"
shape = ["threads", "cdiv(x.shape[0] * x.shape[2] * x.shape[3] + 15, 16) * 16"]
[[step]]
launch = "relu_kernel"
grid = ["cdiv(x.shape[1], max(1, BLOCK // (x.shape[0] * x.shape[2] * x.shape[3])))"]
args = ["x.shape[0]", "x.shape[2]", "x.shape[3]", "thread", "relu_kernel_kept", "max(1, BLOCK // (x.shape[0] * x.shape[2] * x.shape[3]))", "x.shape[1]", "w", "w.shape[2] * w.shape[3]", "w.shape[3]", "weight", "bias", "x", "x.shape[2] * x.shape[3] * x.shape[1]", "x.shape[2] * x.shape[3]", "f32((x.shape[0] * (x.shape[2] - w.shape[2] + 3)) * (x.shape[3] - w.shape[3] + 3))", "out"]
/// */

static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
// The first w elements from p on (w is vlen but at the end of a loop); memory behind them is not touched.
static inline f32v at(const float* p, int64_t w) { return w >= vlen ? loadv(p) : loadv(p, w, 0.0f); }
static inline void put(float* p, f32v v, int64_t w) { if (w >= vlen) storev(p, v); else storev(p, v, w); }
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
// Elements that are `step` apart, the first one with index i; `other` where an index, which grows by `apart`, is
// outside of [0, limit). The usual steps without a branch: many of these stand side by side, and half of a small image is border.
static inline f32v within(const float* p, int64_t step, int64_t i, int64_t apart, int64_t limit, float other, int64_t w) {
  if ((step == 1 || step == 2) && (apart == 1 || apart == 2)) {
    const int64_t first = apart == 1 ? -i : (1 - i) >> 1, past = least(apart == 1 ? limit - i : (limit - i + 1) >> 1, w);
    return step == 1 ? loadv(p, first, past, other) : evens(p, first, past, other);
  }
  const int64_t last = i + (w - 1) * apart;
  if (i >= 0 && i < limit && last >= 0 && last < limit) return gather(p, step, w);
  return picked(p, step, i, apart, limit, other, w);
}
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

// i < x.shape[0], j < x.shape[1], k < x.shape[2], l < x.shape[3]
extern "C" void relu_kernel(int64_t I, int64_t K, int64_t L, int64_t thread, float* __restrict__ kept_rows, int64_t rows, int64_t J, const float* __restrict__ w_from, int64_t w_stride_j, int64_t w_3_step, const float* __restrict__ weight_from, const float* __restrict__ bias_from, const float* __restrict__ x_from, int64_t x_stride_i, int64_t x_stride_j, float norm_count_value, float* __restrict__ out_to, int64_t group) {
  float* const kept = kept_rows + thread * ((I * K * L + 30) / 16 * 16);
  for (int64_t row = group * rows; row < least((group + 1) * rows, J); ++row) {
    const int64_t j = row;
    const float w_ = w_from[j * w_stride_j];
    const float w_1 = w_from[j * w_stride_j + 1];
    const float w_2 = w_from[j * w_stride_j + 2];
    const float w_3 = w_from[j * w_stride_j + 1 * w_3_step];
    const float w_4 = w_from[j * w_stride_j + 1 + 1 * w_3_step];
    const float w_5 = w_from[j * w_stride_j + 2 + 1 * w_3_step];
    const float w_6 = w_from[j * w_stride_j + 2 * w_3_step];
    const float w_7 = w_from[j * w_stride_j + 1 + 2 * w_3_step];
    const float w_8 = w_from[j * w_stride_j + 2 + 2 * w_3_step];
    const float weight = weight_from[j];
    const float bias = bias_from[j];
    Moments moments_of_pass_1;
    for (int64_t i = 0; i < I; ++i) {
      for (int64_t k = 0; k < K; ++k) {
        const float* x_at = x_from + i * x_stride_i + j * x_stride_j + k * L + -1 + -1 * L;
        const float* x_1_at = x_from + i * x_stride_i + j * x_stride_j + k * L + -1 * L;
        const float* x_2_at = x_from + i * x_stride_i + j * x_stride_j + k * L + 1 + -1 * L;
        const float* x_3_at = x_from + i * x_stride_i + j * x_stride_j + k * L + -1;
        const float* x_4_at = x_from + i * x_stride_i + j * x_stride_j + k * L;
        const float* x_5_at = x_from + i * x_stride_i + j * x_stride_j + k * L + 1;
        const float* x_6_at = x_from + i * x_stride_i + j * x_stride_j + k * L + -1 + 1 * L;
        const float* x_7_at = x_from + i * x_stride_i + j * x_stride_j + k * L + 1 * L;
        const float* x_8_at = x_from + i * x_stride_i + j * x_stride_j + k * L + 1 + 1 * L;
        moments<4, 1024>(0, L, moments_of_pass_1, [&](int64_t l, [[maybe_unused]] int64_t w) {
          const f32v x_ = k + -1 >= 0 ? within(x_at + l, 1, (l) + -1, 1, L, 0.0f, w) : splatv(0.0f);
          const f32v conv = x_ * w_;
          const f32v x_1 = k + -1 >= 0 ? at(x_1_at + l, w) : splatv(0.0f);
          const f32v conv_1 = x_1 * w_1;
          const f32v conv_2 = conv + conv_1;
          const f32v x_2 = k + -1 >= 0 ? within(x_2_at + l, 1, (l) + 1, 1, L, 0.0f, w) : splatv(0.0f);
          const f32v conv_3 = x_2 * w_2;
          const f32v conv_4 = conv_2 + conv_3;
          const f32v x_3 = within(x_3_at + l, 1, (l) + -1, 1, L, 0.0f, w);
          const f32v conv_5 = x_3 * w_3;
          const f32v conv_6 = conv_4 + conv_5;
          const f32v x_4 = at(x_4_at + l, w);
          const f32v conv_7 = x_4 * w_4;
          const f32v conv_8 = conv_6 + conv_7;
          const f32v x_5 = within(x_5_at + l, 1, (l) + 1, 1, L, 0.0f, w);
          const f32v conv_9 = x_5 * w_5;
          const f32v conv_10 = conv_8 + conv_9;
          const f32v x_6 = k + 1 < K ? within(x_6_at + l, 1, (l) + -1, 1, L, 0.0f, w) : splatv(0.0f);
          const f32v conv_11 = x_6 * w_6;
          const f32v conv_12 = conv_10 + conv_11;
          const f32v x_7 = k + 1 < K ? at(x_7_at + l, w) : splatv(0.0f);
          const f32v conv_13 = x_7 * w_7;
          const f32v conv_14 = conv_12 + conv_13;
          const f32v x_8 = k + 1 < K ? within(x_8_at + l, 1, (l) + 1, 1, L, 0.0f, w) : splatv(0.0f);
          const f32v conv_15 = x_8 * w_8;
          const f32v conv_16 = conv_14 + conv_15;
          storev(kept + (i * K + k) * L + l, conv_16);
          return conv_16;
        });
      }
    }
    const double norm_1 = moments_of_pass_1.sum;
    const double norm_5 = moments_of_pass_1.squares;
    const double norm_2 = norm_1 / norm_count_value;
    const double norm_6 = norm_5 / norm_count_value;
    const double norm_7 = norm_6 + 1e-05f;
    const float norm_8 = 1.0f / sqrt1(norm_7);
    for (int64_t i = 0; i < I; ++i) {
      for (int64_t k = 0; k < K; ++k) {
        float* out_at = out_to + i * J * K * L + j * K * L + k * L;
        eachv<2>(0, L, [&](int64_t l, int64_t w) {
          const f32v norm_3 = loadv(kept + (i * K + k) * L + l) - (float)norm_2;
          const f32v norm_9 = norm_3 * norm_8;
          const f32v norm_10 = norm_9 * weight;
          const f32v norm_11 = norm_10 + bias;
          const f32v relu = norm_11 < 0.0f ? splatv(0.0f) : norm_11;
          put(out_at + l, relu, w);
        });
      }
    }
  }
}
