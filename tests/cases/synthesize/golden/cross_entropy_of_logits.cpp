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

// i < x.shape[0] * x.shape[1]: partial results of pass 1 for each chunk of i
extern "C" void loss_kernel_pass1(int64_t I, int64_t chunks, const float* __restrict__ x_from, const float* __restrict__ y_from, double* __restrict__ loss_kernel_part1, int64_t chunk, int64_t row) {
  const int64_t begin = chunk * BLOCK, end = least(begin + BLOCK, I);
  double sum_of_pass_1[1] = {0};
  sums<1, 4, 1024>(begin, end, sum_of_pass_1, [&](int64_t i, [[maybe_unused]] int64_t w, f32v* term) {
    const f32v x_ = at(x_from + i, w);
    const f32v y_ = at(y_from + i, w);
    const f32v loss = absv(x_);
    const f32v loss_1 = -(loss);
    const f32v loss_2 = softplusv(loss_1);
    const f32v loss_3 = y_ * x_;
    const f32v loss_4 = x_ < 0.0f ? splatv(0.0f) : x_;
    const f32v loss_5 = loss_4 - loss_3;
    const f32v loss_6 = loss_5 + loss_2;
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
