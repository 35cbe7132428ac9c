/* /// kerf
version = 1
supports = "a.ndim == 2 and a.shape[0] == 512 and a.shape[1] == 4096 and b.ndim == 2 and b.shape[0] == 512 and b.shape[1] == 4096"
[tune]
BLOCK = [65536]
[[scratch]]
name = "mean_kernel_part1"
dtype = "f64"
shape = [1, "cdiv(b.shape[0] * b.shape[1], BLOCK)", 1]
[[step]]
launch = "mean_kernel_pass1"
grid = ["cdiv(b.shape[0] * b.shape[1], BLOCK)", 1]
args = ["b.shape[0] * b.shape[1]", "cdiv(b.shape[0] * b.shape[1], BLOCK)", "b", "a", "mean_kernel_part1"]
[[step]]
launch = "mean_kernel"
grid = [1]
args = ["cdiv(b.shape[0] * b.shape[1], BLOCK)", "mean_kernel_part1", "f32(b.shape[0] * b.shape[1])", "out"]
/// */

static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
// The first w of 16 elements from p on (w is 16 but at the end of a loop); memory behind them is not touched.
static inline f32x16 at(const float* p, int64_t w) { return w >= 16 ? load16(p) : load16(p, w, 0.0f); }
// v, with lanes from w on replaced.
static inline f32x16 keep(f32x16 v, int64_t w, float other) {
  return iota16() < (int32_t)w ? v : splat16(other);
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

// i < b.shape[0] * b.shape[1]: partial results of pass 1 for each chunk of i
extern "C" void mean_kernel_pass1(int64_t I, int64_t chunks, const float* __restrict__ b_from, const float* __restrict__ a_from, double* __restrict__ mean_kernel_part1, int64_t chunk, int64_t row) {
  const int64_t begin = chunk * BLOCK, end = least(begin + BLOCK, I);
  double sum_of_pass_1[1] = {0};
  sums<1, 4, 1024>(begin, end, sum_of_pass_1, [&](int64_t i, [[maybe_unused]] int64_t w, f32x16* term) {
    const f32x16 b_ = at(b_from + i, w);
    const f32x16 a_ = at(a_from + i, w);
    const f32x16 sub = a_ - b_;
    const f32x16 pow_1 = sub * sub;
    term[0] = pow_1;
  });
  mean_kernel_part1[(row * chunks + chunk) * 1 + 0] = sum_of_pass_1[0];
}

// i < b.shape[0] * b.shape[1]
extern "C" void mean_kernel(int64_t chunks, const double* __restrict__ mean_kernel_part1, float mean_count_value, float* __restrict__ out_to, int64_t row) {
  double sum_of_pass_1[1] = {0};
  for (int64_t c = 0; c < chunks; ++c) sum_of_pass_1[0] += mean_kernel_part1[(row * chunks + c) * 1 + 0];
  const double mean = sum_of_pass_1[0];
  const double mean_1 = mean / mean_count_value;
  out_to[0] = mean_1;
}
