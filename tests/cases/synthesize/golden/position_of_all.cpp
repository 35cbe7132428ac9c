/* /// kerf
version = 1
supports = "x.ndim == 2 and x.shape[0] == 64 and x.shape[1] == 300"
[tune]
BLOCK1 = [2048]
BLOCK2 = [2048]
[[scratch]]
name = "at_kernel_part1"
dtype = "f64"
shape = [1, "cdiv(x.shape[0], max(1, BLOCK1 // (x.shape[1])))", 1]
[[scratch]]
name = "at_kernel_part2"
dtype = "f64"
shape = [1, "cdiv(x.shape[0], max(1, BLOCK1 // (x.shape[1])))", 1]
[[scratch]]
name = "count_kernel_part1"
dtype = "f64"
shape = [1, "cdiv(x.shape[0] * x.shape[1], BLOCK2)", 1]
[[step]]
launch = "at_kernel_pass1"
grid = ["cdiv(x.shape[0], max(1, BLOCK1 // (x.shape[1])))", 1]
args = ["max(1, BLOCK1 // (x.shape[1]))", "x.shape[0]", "cdiv(x.shape[0], max(1, BLOCK1 // (x.shape[1])))", "f32(x.shape[0])", "x", "x.shape[1]", "at_kernel_part1"]
[[step]]
launch = "at_kernel_pass2"
grid = ["cdiv(x.shape[0], max(1, BLOCK1 // (x.shape[1])))", 1]
args = ["max(1, BLOCK1 // (x.shape[1]))", "x.shape[0]", "cdiv(x.shape[0], max(1, BLOCK1 // (x.shape[1])))", "f32(x.shape[0])", "at_kernel_part1", "f32(x.shape[1])", "x", "x.shape[1]", "at_kernel_part2"]
[[step]]
launch = "at_kernel"
grid = [1]
args = ["cdiv(x.shape[0], max(1, BLOCK1 // (x.shape[1])))", "f32(x.shape[0])", "at_kernel_part1", "at_kernel_part2", "out0"]
[[step]]
launch = "count_kernel_pass1"
grid = ["cdiv(x.shape[0] * x.shape[1], BLOCK2)", 1]
args = ["x.shape[0] * x.shape[1]", "cdiv(x.shape[0] * x.shape[1], BLOCK2)", "x", "count_kernel_part1"]
[[step]]
launch = "count_kernel"
grid = [1]
args = ["cdiv(x.shape[0] * x.shape[1], BLOCK2)", "count_kernel_part1", "out1"]
/// */

static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
// The first w elements from p on (w is vlen but at the end of a loop); memory behind them is not touched.
static inline f32v at(const float* p, int64_t w) { return w >= vlen ? loadv(p) : loadv(p, w, 0.0f); }
// v, with lanes from w on replaced.
static inline f32v keep(f32v v, int64_t w, float other) {
  return iotav() < (int32_t)w ? v : splatv(other);
}
// The larger one; NaN if either is.
static inline float greater(float a, float b) { return a > b || a != a ? a : b; }
static inline f32v greater(f32v a, f32v b) { return ((a > b) | (a != a)) ? a : b; }
// The smaller one; NaN if either is.
static inline float smaller(float a, float b) { return a < b || a != a ? a : b; }
static inline f32v smaller(f32v a, f32v b) { return ((a < b) | (a != a)) ? a : b; }
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
// Folds into total[n] the terms t[n] that f(i, w, t) gives for a vector, over [begin, end).
template <int terms, int accumulators, class Fold, class F>
static inline void folds(int64_t begin, int64_t end, float first, float* total, Fold fold, F f) {
  f32v lanes[accumulators][terms], t[terms];
  for (int a = 0; a < accumulators; ++a)
    for (int n = 0; n < terms; ++n) lanes[a][n] = splatv(first);
  int64_t i = begin;
  for (; i + vlen * accumulators <= end; i += vlen * accumulators)
#pragma GCC unroll 16
    for (int a = 0; a < accumulators; ++a) {
      f(i + vlen * a, vlen, t);
      for (int n = 0; n < terms; ++n) lanes[a][n] = fold(t[n], lanes[a][n]);
    }
  for (; i < end; i += vlen) {
    const int64_t w = end - i < vlen ? end - i : vlen;
    f(i, w, t);
    for (int n = 0; n < terms; ++n) lanes[0][n] = fold(keep(t[n], w, first), lanes[0][n]);
  }
  for (int n = 0; n < terms; ++n) {
    for (int a = 1; a < accumulators; ++a) lanes[0][n] = fold(lanes[a][n], lanes[0][n]);
    for (int l = 0; l < vlen; ++l) total[n] = fold(lanes[0][n][l], total[n]);
  }
}

// i < x.shape[0], j < x.shape[1]: partial results of pass 1 for each chunk of i
extern "C" void at_kernel_pass1(int64_t length, int64_t I, int64_t chunks, float at_count_value, const float* __restrict__ x_from, int64_t J, double* __restrict__ at_kernel_part1, int64_t chunk, int64_t row) {
  const int64_t begin = chunk * length, end = least(begin + length, I);
  const float at_1 = 0.0f * at_count_value;
  float max_of_pass_1[1] = {-__builtin_inff()};
  for (int64_t i = begin; i < end; ++i) {
    const float* x_at = x_from + i * J;
    const auto max_of_pass_1_of = [](auto a, auto b) { return greater(a, b); };
    folds<1, 4>(0, J, -__builtin_inff(), max_of_pass_1, max_of_pass_1_of, [&](int64_t j, [[maybe_unused]] int64_t w, f32v* term) {
      const f32v x_ = at(x_at + j, w);
      term[0] = x_;
    });
  }
  at_kernel_part1[(row * chunks + chunk) * 1 + 0] = max_of_pass_1[0];
}

// i < x.shape[0], j < x.shape[1]: partial results of pass 2 for each chunk of i
extern "C" void at_kernel_pass2(int64_t length, int64_t I, int64_t chunks, float at_count_value, const double* __restrict__ at_kernel_part1, float at_count_1_value, const float* __restrict__ x_from, int64_t J, double* __restrict__ at_kernel_part2, int64_t chunk, int64_t row) {
  const int64_t begin = chunk * length, end = least(begin + length, I);
  const float at_1 = 0.0f * at_count_value;
  float max_of_pass_1[1] = {-__builtin_inff()};
  for (int64_t c = 0; c < chunks; ++c) max_of_pass_1[0] = greater((float)at_kernel_part1[(row * chunks + c) * 1 + 0], max_of_pass_1[0]);
  const float at_5 = max_of_pass_1[0];
  float min_of_pass_2[1] = {__builtin_inff()};
  for (int64_t i = begin; i < end; ++i) {
    const float i_index = (float)i;
    const float at_2 = at_1 + i_index;
    const float at_3 = at_2 * at_count_1_value;
    const float* x_at = x_from + i * J;
    const auto min_of_pass_2_of = [](auto a, auto b) { return smaller(a, b); };
    folds<1, 4>(0, J, __builtin_inff(), min_of_pass_2, min_of_pass_2_of, [&](int64_t j, [[maybe_unused]] int64_t w, f32v* term) {
      const f32v x_ = at(x_at + j, w);
      const f32v j_index = __builtin_convertvector(iotav((int32_t)(j)), f32v);
      const f32v at_4 = at_3 + j_index;
      const auto at_7 = x_ != x_;
      const auto at_8 = x_ == at_5;
      const auto at_9 = at_8 | at_7;
      const f32v at_10 = at_9 ? at_4 : splatv(__builtin_inff());
      term[0] = at_10;
    });
  }
  at_kernel_part2[(row * chunks + chunk) * 1 + 0] = min_of_pass_2[0];
}

// i < x.shape[0], j < x.shape[1]
extern "C" void at_kernel(int64_t chunks, float at_count_value, const double* __restrict__ at_kernel_part1, const double* __restrict__ at_kernel_part2, int64_t* __restrict__ out_to, int64_t row) {
  const float at_1 = 0.0f * at_count_value;
  float max_of_pass_1[1] = {-__builtin_inff()};
  for (int64_t c = 0; c < chunks; ++c) max_of_pass_1[0] = greater((float)at_kernel_part1[(row * chunks + c) * 1 + 0], max_of_pass_1[0]);
  const float at_5 = max_of_pass_1[0];
  float min_of_pass_2[1] = {__builtin_inff()};
  for (int64_t c = 0; c < chunks; ++c) min_of_pass_2[0] = smaller((float)at_kernel_part2[(row * chunks + c) * 1 + 0], min_of_pass_2[0]);
  const float at_11 = min_of_pass_2[0];
  out_to[0] = at_11;
}

// i < x.shape[0] * x.shape[1]: partial results of pass 1 for each chunk of i
extern "C" void count_kernel_pass1(int64_t I, int64_t chunks, const float* __restrict__ x_from, double* __restrict__ count_kernel_part1, int64_t chunk, int64_t row) {
  const int64_t begin = chunk * BLOCK2, end = least(begin + BLOCK2, I);
  double sum_of_pass_1[1] = {0};
  sums<1, 4, 1024>(begin, end, sum_of_pass_1, [&](int64_t i, [[maybe_unused]] int64_t w, f32v* term) {
    const f32v x_ = at(x_from + i, w);
    const auto count_1 = x_ != 0.0f;
    const f32v count_2 = count_1 ? splatv(1.0f) : splatv(0.0f);
    term[0] = count_2;
  });
  count_kernel_part1[(row * chunks + chunk) * 1 + 0] = sum_of_pass_1[0];
}

// i < x.shape[0] * x.shape[1]
extern "C" void count_kernel(int64_t chunks, const double* __restrict__ count_kernel_part1, int64_t* __restrict__ out_to, int64_t row) {
  double sum_of_pass_1[1] = {0};
  for (int64_t c = 0; c < chunks; ++c) sum_of_pass_1[0] += count_kernel_part1[(row * chunks + c) * 1 + 0];
  const double count_3 = sum_of_pass_1[0];
  out_to[0] = count_3;
}
