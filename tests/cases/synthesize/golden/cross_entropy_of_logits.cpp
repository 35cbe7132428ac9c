/* /// kerf
version = 1
supports = "x.ndim == 2 and x.shape[0] == 64 and x.shape[1] == 4096 and y.ndim == 2 and y.shape[0] == 64 and y.shape[1] == 4096"
[tune]
BLOCK = [32768]
[[scratch]]
name = "loss_kernel_part1"
dtype = "f64"
shape = [1, "cdiv(x.shape[0] * x.shape[1], BLOCK)", 1]
[[step]]
launch = "loss_kernel_pass1"
grid = ["cdiv(x.shape[0] * x.shape[1], BLOCK)", 1]
args = ["x.shape[0] * x.shape[1]", "cdiv(x.shape[0] * x.shape[1], BLOCK)", "x", "y", "loss_kernel_part1"]
[[step]]
launch = "loss_kernel"
grid = [1]
args = ["cdiv(x.shape[0] * x.shape[1], BLOCK)", "loss_kernel_part1", "f32(x.shape[0] * x.shape[1])", "out"]
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

// i < x.shape[0] * x.shape[1]: partial results of pass 1 for each chunk of i
extern "C" void loss_kernel_pass1(int64_t I, int64_t chunks, const float* __restrict__ x_from, const float* __restrict__ y_from, double* __restrict__ loss_kernel_part1, int64_t chunk, int64_t row) {
  const int64_t begin = chunk * BLOCK, end = least(begin + BLOCK, I);
  double sum_of_pass_1[1] = {0};
  sums<1, 4, 1024>(begin, end, sum_of_pass_1, [&](int64_t i, [[maybe_unused]] int64_t w, f32x16* term) {
    const f32x16 x_ = at(x_from + i, w);
    const f32x16 y_ = at(y_from + i, w);
    const f32x16 loss = y_ * x_;
    const f32x16 loss_1 = x_ < 0.0f ? splat16(0.0f) : x_;
    const f32x16 loss_2 = loss_1 - loss;
    const f32x16 loss_3 = abs16(x_);
    const f32x16 loss_4 = -(loss_3);
    const f32x16 loss_5 = softplus16(loss_4);
    const f32x16 loss_6 = loss_2 + loss_5;
    term[0] = loss_6;
  });
  loss_kernel_part1[(row * chunks + chunk) * 1 + 0] = sum_of_pass_1[0];
}

// i < x.shape[0] * x.shape[1]
extern "C" void loss_kernel(int64_t chunks, const double* __restrict__ loss_kernel_part1, float loss_count_value, float* __restrict__ out_to, int64_t row) {
  double sum_of_pass_1[1] = {0};
  for (int64_t c = 0; c < chunks; ++c) sum_of_pass_1[0] += loss_kernel_part1[(row * chunks + c) * 1 + 0];
  const double loss_7 = sum_of_pass_1[0];
  const double loss_8 = loss_7 / loss_count_value;
  out_to[0] = loss_8;
}
