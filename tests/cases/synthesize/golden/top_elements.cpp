/* /// kerf
version = 1
supports = "x.ndim == 2 and x.shape[0] == 300 and x.shape[1] == 64"
[tune]
BLOCK1 = [16384]
BLOCK2 = [16384]
BLOCK3 = [16384]
[[scratch]]
name = "softmax_kernel_kept"
dtype = "f32"
shape = ["threads", "cdiv(x.shape[1], 16) * 16"]
[[scratch]]
name = "softmax"
dtype = "f32"
shape = ["x.shape[0]", "x.shape[1]"]
[[scratch]]
name = "topk"
dtype = "f32"
shape = ["softmax.shape[0]", 3]
[[step]]
launch = "softmax_kernel"
grid = ["cdiv(x.shape[0], max(1, BLOCK1 // (x.shape[1])))"]
args = ["x.shape[1]", "thread", "softmax_kernel_kept", "max(1, BLOCK1 // (x.shape[1]))", "x.shape[0]", "x", "softmax"]
[[step]]
launch = "topk_kernel"
grid = ["cdiv(softmax.shape[0], max(1, BLOCK2 // (softmax.shape[1])))"]
args = ["max(1, BLOCK2 // (softmax.shape[1]))", "softmax.shape[0]", "softmax", "softmax.shape[1]", "topk.shape[1]", "topk"]
[[step]]
launch = "div_kernel"
grid = ["cdiv(topk.shape[0], max(1, BLOCK3 // (topk.shape[1])))"]
args = ["max(1, BLOCK3 // (topk.shape[1]))", "topk.shape[0]", "topk", "topk.shape[1]", "out"]
/// */

static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
// The first w elements from p on (w is vlen but at the end of a loop); memory behind them is not touched.
static inline f32v at(const float* p, int64_t w) { return w >= vlen ? loadv(p) : loadv(p, w, 0.0f); }
static inline void put(float* p, f32v v, int64_t w) { if (w >= vlen) storev(p, v); else storev(p, v, w); }
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

// i < x.shape[0], j < x.shape[1]
extern "C" void softmax_kernel(int64_t J, int64_t thread, float* __restrict__ kept_rows, int64_t rows, int64_t I, const float* __restrict__ x_from, float* __restrict__ out_to, int64_t group) {
  float* const kept = kept_rows + thread * ((J + 15) / 16 * 16);
  for (int64_t row = group * rows; row < least((group + 1) * rows, I); ++row) {
    const int64_t i = row;
    float max_of_pass_1[1] = {-__builtin_inff()};
    const float* x_at = x_from + i * J;
    const auto max_of_pass_1_of = [](auto a, auto b) { return greater(a, b); };
    folds<1, 4>(0, J, -__builtin_inff(), max_of_pass_1, max_of_pass_1_of, [&](int64_t j, [[maybe_unused]] int64_t w, f32v* term) {
      const f32v x_ = at(x_at + j, w);
      term[0] = x_;
    });
    const float softmax = max_of_pass_1[0];
    double sum_of_pass_2[1] = {0};
    sums<1, 4, 1024>(0, J, sum_of_pass_2, [&](int64_t j, [[maybe_unused]] int64_t w, f32v* term) {
      const f32v x_ = at(x_at + j, w);
      const f32v softmax_1 = x_ - softmax;
      const f32v softmax_2 = expv(softmax_1);
      storev(kept + j, softmax_2);
      prefetch(x_at + j + J);
      term[0] = softmax_2;
    });
    const double softmax_3 = sum_of_pass_2[0];
    const double softmax_4 = 1.0f / softmax_3;
    float* out_at = out_to + i * J;
    eachv<2>(0, J, [&](int64_t j, int64_t w) {
      const f32v softmax_5 = loadv(kept + j) * (float)softmax_4;
      put(out_at + j, softmax_5, w);
    });
  }
}

// i < softmax.shape[0], j < softmax.shape[1]
extern "C" void topk_kernel(int64_t rows, int64_t I, const float* __restrict__ softmax_from, int64_t J, int64_t out0_stride_i, float* __restrict__ out0_to, int64_t group) {
  for (int64_t row = group * rows; row < least((group + 1) * rows, I); ++row) {
    const int64_t i = row;
    float max_of_pass_1[1] = {-__builtin_inff()};
    const float* softmax_at = softmax_from + i * J;
    const auto max_of_pass_1_of = [](auto a, auto b) { return greater(a, b); };
    folds<1, 4>(0, J, -__builtin_inff(), max_of_pass_1, max_of_pass_1_of, [&](int64_t j, [[maybe_unused]] int64_t w, f32v* term) {
      const f32v softmax = at(softmax_at + j, w);
      term[0] = softmax;
    });
    const float topk = max_of_pass_1[0];
    float min_of_pass_2[1] = {__builtin_inff()};
    const auto min_of_pass_2_of = [](auto a, auto b) { return smaller(a, b); };
    folds<1, 4>(0, J, __builtin_inff(), min_of_pass_2, min_of_pass_2_of, [&](int64_t j, [[maybe_unused]] int64_t w, f32v* term) {
      const f32v softmax = at(softmax_at + j, w);
      const f32v j_index = __builtin_convertvector(iotav((int32_t)(j)), f32v);
      const auto topk_2 = softmax != softmax;
      const auto topk_3 = softmax == topk;
      const auto topk_4 = topk_3 | topk_2;
      const f32v topk_5 = topk_4 ? j_index : splatv(__builtin_inff());
      prefetch(softmax_at + j + J);
      term[0] = topk_5;
    });
    const float topk_6 = min_of_pass_2[0];
    float max_of_pass_3[1] = {-__builtin_inff()};
    const auto max_of_pass_3_of = [](auto a, auto b) { return greater(a, b); };
    folds<1, 4>(0, J, -__builtin_inff(), max_of_pass_3, max_of_pass_3_of, [&](int64_t j, [[maybe_unused]] int64_t w, f32v* term) {
      const f32v softmax = at(softmax_at + j, w);
      const f32v j_index = __builtin_convertvector(iotav((int32_t)(j)), f32v);
      const auto topk_7 = j_index == topk_6;
      const f32v topk_8 = topk_7 ? splatv(__builtin_inff()) : j_index;
      const auto topk_9 = topk_8 < __builtin_inff();
      const f32v topk_11 = topk_9 ? softmax : splatv(-__builtin_inff());
      term[0] = topk_11;
    });
    const float topk_12 = max_of_pass_3[0];
    float min_of_pass_4[1] = {__builtin_inff()};
    const auto min_of_pass_4_of = [](auto a, auto b) { return smaller(a, b); };
    folds<1, 4>(0, J, __builtin_inff(), min_of_pass_4, min_of_pass_4_of, [&](int64_t j, [[maybe_unused]] int64_t w, f32v* term) {
      const f32v softmax = at(softmax_at + j, w);
      const f32v j_index = __builtin_convertvector(iotav((int32_t)(j)), f32v);
      const auto topk_2 = softmax != softmax;
      const auto topk_7 = j_index == topk_6;
      const f32v topk_8 = topk_7 ? splatv(__builtin_inff()) : j_index;
      const auto topk_13 = softmax == topk_12;
      const auto topk_14 = topk_13 | topk_2;
      const f32v topk_15 = topk_14 ? topk_8 : splatv(__builtin_inff());
      term[0] = topk_15;
    });
    const float topk_16 = min_of_pass_4[0];
    float max_of_pass_5[1] = {-__builtin_inff()};
    const auto max_of_pass_5_of = [](auto a, auto b) { return greater(a, b); };
    folds<1, 4>(0, J, -__builtin_inff(), max_of_pass_5, max_of_pass_5_of, [&](int64_t j, [[maybe_unused]] int64_t w, f32v* term) {
      const f32v softmax = at(softmax_at + j, w);
      const f32v j_index = __builtin_convertvector(iotav((int32_t)(j)), f32v);
      const auto topk_7 = j_index == topk_6;
      const f32v topk_8 = topk_7 ? splatv(__builtin_inff()) : j_index;
      const auto topk_17 = j_index == topk_16;
      const f32v topk_18 = topk_17 ? splatv(__builtin_inff()) : topk_8;
      const auto topk_19 = topk_18 < __builtin_inff();
      const f32v topk_20 = topk_19 ? softmax : splatv(-__builtin_inff());
      term[0] = topk_20;
    });
    const float topk_21 = max_of_pass_5[0];
    out0_to[i * out0_stride_i] = topk;
    out0_to[i * out0_stride_i + 1] = topk_12;
    out0_to[i * out0_stride_i + 2] = topk_21;
  }
}

// i < topk.shape[0], j < topk.shape[1]
extern "C" void div_kernel(int64_t rows, int64_t I, const float* __restrict__ topk_from, int64_t J, float* __restrict__ out_to, int64_t group) {
  for (int64_t row = group * rows; row < least((group + 1) * rows, I); ++row) {
    const int64_t i = row;
    double sum_of_pass_1[1] = {0};
    const float* topk_at = topk_from + i * J;
    sums<1, 4, 1024>(0, J, sum_of_pass_1, [&](int64_t j, [[maybe_unused]] int64_t w, f32v* term) {
      const f32v topk = at(topk_at + j, w);
      term[0] = topk;
    });
    const double sum = sum_of_pass_1[0];
    float* out_at = out_to + i * J;
    eachv<2>(0, J, [&](int64_t j, int64_t w) {
      const f32v topk = at(topk_at + j, w);
      const f32v div = topk / (float)sum;
      prefetch(topk_at + j + J);
      put(out_at + j, div, w);
    });
  }
}
