/* /// kerf
version = 1
supports = "x.ndim == 2 and x.shape[0] == 64 and x.shape[1] == 96"
[tune]
BLOCK1 = [256]
BLOCK2 = [16384]
BLOCK3 = [16384]
[[scratch]]
name = "mean_weight"
dtype = "f32"
shape = ["fc.weight.shape[1]"]
[[scratch]]
name = "mean_bias"
dtype = "f32"
shape = [1]
[[step]]
launch = "mean_weight_kernel"
grid = ["cdiv(fc.weight.shape[1], BLOCK1)"]
args = ["fc.weight.shape[1]", "fc.weight.shape[0]", "fc.weight", "mean_weight", "f32(fc.weight.shape[0])"]
[[step]]
launch = "mean_bias_kernel"
grid = [1]
args = ["shift", "fc.bias", "shift.shape[0]", "f32(shift.shape[0])", "mean_bias"]
[[step]]
launch = "add_kernel"
grid = ["cdiv(x.shape[0], max(1, BLOCK3 // (mean_weight.shape[0])))"]
args = ["max(1, BLOCK3 // (mean_weight.shape[0]))", "x.shape[0]", "mean_bias", "mean_weight", "x", "mean_weight.shape[0]", "out"]
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

// i < fc.weight.shape[0], j < fc.weight.shape[1]
extern "C" void mean_weight_kernel(int64_t J, int64_t I, const float* __restrict__ fc_weight_from, float* __restrict__ out_to, float mean_weight_count_value, int64_t block) {
  const int64_t begin = block * BLOCK1, width = least(BLOCK1, J - begin);
  float mean_weight[BLOCK1];
  double mean_weight_total[BLOCK1] = {};
  for (int64_t first = 0; first < I; first += 64) {
    for (int64_t c = 0; c < BLOCK1; ++c) mean_weight[c] = 0;
    for (int64_t step = first; step < least(first + 64, I); ++step) {
      const int64_t i = step;
      const float* fc_weight_at = fc_weight_from + i * J;
      eachv<2>(0, width, [&](int64_t c, [[maybe_unused]] int64_t w) {
        const f32v fc_weight = at(fc_weight_at + begin + c, w);
        storev(mean_weight + c, loadv(mean_weight + c) + fc_weight);
      });
    }
    for (int64_t c = 0; c < width; ++c) mean_weight_total[c] += mean_weight[c];
  }
  for (int64_t c = 0; c < width; ++c) mean_weight[c] = (float)mean_weight_total[c];
  eachv<2>(0, width, [&](int64_t c, [[maybe_unused]] int64_t w) {
    const f32v mean_weight_1 = loadv(mean_weight + c) / mean_weight_count_value;
    put(out_to + begin + c, mean_weight_1, w);
  });
}

// i < shift.shape[0]
extern "C" void mean_bias_kernel(const float* __restrict__ shift_from, const float* __restrict__ fc_bias_from, int64_t I, float mean_bias_count_value, float* __restrict__ out_to, int64_t task) {
  double sum_of_pass_1[1] = {0};
  sums<1, 4, 1024>(0, I, sum_of_pass_1, [&](int64_t i, [[maybe_unused]] int64_t w, f32v* term) {
    const f32v shift = at(shift_from + i, w);
    const f32v fc_bias = at(fc_bias_from + i, w);
    const f32v mean_bias1 = fc_bias - shift;
    term[0] = mean_bias1;
  });
  const double mean_bias = sum_of_pass_1[0];
  const double mean_bias_1 = mean_bias / mean_bias_count_value;
  out_to[0] = mean_bias_1;
}

// i < x.shape[0], j < mean_weight.shape[0]
extern "C" void add_kernel(int64_t rows, int64_t I, const float* __restrict__ mean_bias_from, const float* __restrict__ mean_weight_from, const float* __restrict__ x_from, int64_t J, float* __restrict__ out_to, int64_t group) {
  for (int64_t row = group * rows; row < least((group + 1) * rows, I); ++row) {
    const int64_t i = row;
    const float mean_bias = mean_bias_from[0];
    double sum_of_pass_1[1] = {0};
    const float* x_at = x_from + i * J;
    sums<1, 4, 1024>(0, J, sum_of_pass_1, [&](int64_t j, [[maybe_unused]] int64_t w, f32v* term) {
      const f32v mean_weight = at(mean_weight_from + j, w);
      const f32v x_ = at(x_at + j, w);
      const f32v mean_product = x_ * mean_weight;
      term[0] = mean_product;
    });
    const double mean_dot = sum_of_pass_1[0];
    const double mean = mean_dot + mean_bias;
    float* out_at = out_to + i * J;
    eachv<2>(0, J, [&](int64_t j, int64_t w) {
      const f32v x_ = at(x_at + j, w);
      const f32v add = (float)mean + x_;
      prefetch(x_at + j + J);
      put(out_at + j, add, w);
    });
  }
}
