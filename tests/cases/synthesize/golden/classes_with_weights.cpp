/* /// kerf
version = 1
supports = "x.ndim == 2 and x.shape[0] == 64 and x.shape[1] == 1000 and t.ndim == 1 and t.shape[0] == 64 and w.ndim == 1 and w.shape[0] == 1000"
[tune]
BLOCK1 = [16384]
BLOCK2 = [256]
BLOCK3 = [16384]
[[scratch]]
name = "loss_rows"
dtype = "f32"
shape = ["x.shape[0]"]
[[scratch]]
name = "loss_counts"
dtype = "f32"
shape = ["x.shape[0]"]
[[step]]
launch = "loss_rows_kernel"
grid = ["cdiv(x.shape[0], max(1, BLOCK1 // (x.shape[1])))"]
args = ["max(1, BLOCK1 // (x.shape[1]))", "x.shape[0]", "t", "f32(x.shape[1])", "x", "x.shape[1]", "w", "loss_rows"]
[[step]]
launch = "loss_counts_kernel"
grid = ["cdiv(x.shape[0], BLOCK2)"]
args = ["x.shape[0]", "w.shape[0]", "w", "t", "loss_counts"]
[[step]]
launch = "loss_kernel"
grid = [1]
args = ["loss_rows", "loss_counts", "loss_rows.shape[0]", "out"]
/// */

static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
// The first w elements from p on (w is vlen but at the end of a loop); memory behind them is not touched.
static inline f32v at(const float* p, int64_t w) { return w >= vlen ? loadv(p) : loadv(p, w, 0.0f); }
static inline void put(float* p, f32v v, int64_t w) { if (w >= vlen) storev(p, v); else storev(p, v, w); }
// Integers as floats: exact below 2^24, and never equal to a smaller one above.
static inline f32v whole(const int64_t* p, int64_t stride, int64_t w) {
  f32v v = {};
  for (int64_t l = 0; l < w; ++l) v[l] = (float)p[l * stride];
  return v;
}
// v, with lanes from w on replaced.
static inline f32v keep(f32v v, int64_t w, float other) {
  return iotav() < (int32_t)w ? v : splatv(other);
}
// The larger one; NaN if either is.
static inline float greater(float a, float b) { return a > b || a != a ? a : b; }
static inline f32v greater(f32v a, f32v b) { return ((a > b) | (a != a)) ? a : b; }
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
extern "C" void loss_rows_kernel(int64_t rows, int64_t I, const int64_t* __restrict__ t_from, float loss_rows_count_value, const float* __restrict__ x_from, int64_t J, const float* __restrict__ w_from, float* __restrict__ out_to, int64_t group) {
  for (int64_t row = group * rows; row < least((group + 1) * rows, I); ++row) {
    const int64_t i = row;
    const int64_t t_ = t_from[i];
    const float loss_rows_17 = 0.1f / loss_rows_count_value;
    const bool loss_rows_23 = t_ == -100.0f;
    float max_of_pass_1[1] = {-__builtin_inff()};
    const float* x_at = x_from + i * J;
    const auto max_of_pass_1_of = [](auto a, auto b) { return greater(a, b); };
    folds<1, 4>(0, J, -__builtin_inff(), max_of_pass_1, max_of_pass_1_of, [&](int64_t j, [[maybe_unused]] int64_t w, f32v* term) {
      const f32v x_ = at(x_at + j, w);
      term[0] = x_;
    });
    const float loss_rows = max_of_pass_1[0];
    double sum_of_pass_2[1] = {0};
    sums<1, 4, 1024>(0, J, sum_of_pass_2, [&](int64_t j, [[maybe_unused]] int64_t w, f32v* term) {
      const f32v w_ = at(w_from + j, w);
      const f32v j_index = __builtin_convertvector(iotav((int32_t)(j)), f32v);
      const auto loss_rows_6 = j_index == (float)t_;
      const f32v loss_rows_10 = loss_rows_6 ? w_ : splatv(0.0f);
      term[0] = loss_rows_10;
    });
    const double loss_rows_11 = sum_of_pass_2[0];
    double sum_of_pass_3[2] = {0, 0};
    sums<2, 4, 1024>(0, J, sum_of_pass_3, [&](int64_t j, [[maybe_unused]] int64_t w, f32v* term) {
      const f32v x_ = at(x_at + j, w);
      const f32v loss_rows_1 = x_ - loss_rows;
      const f32v loss_rows_2 = expv(loss_rows_1);
      const f32v j_index = __builtin_convertvector(iotav((int32_t)(j)), f32v);
      const auto loss_rows_6 = j_index == (float)t_;
      const f32v loss_rows_7 = loss_rows_6 ? loss_rows_1 : splatv(0.0f);
      term[0] = loss_rows_2;
      term[1] = loss_rows_7;
    });
    const double loss_rows_3 = sum_of_pass_3[0];
    const double loss_rows_8 = sum_of_pass_3[1];
    const float loss_rows_4 = log1(loss_rows_3);
    const double loss_rows_9 = loss_rows_4 - loss_rows_8;
    const double loss_rows_12 = loss_rows_11 * loss_rows_9;
    const double loss_rows_20 = loss_rows_12 * 0.9f;
    double sum_of_pass_4[1] = {0};
    sums<1, 4, 1024>(0, J, sum_of_pass_4, [&](int64_t j, [[maybe_unused]] int64_t w, f32v* term) {
      const f32v x_ = at(x_at + j, w);
      const f32v w_ = at(w_from + j, w);
      const f32v loss_rows_1 = x_ - loss_rows;
      const f32v loss_rows_13 = loss_rows_4 - loss_rows_1;
      const f32v loss_rows_14 = loss_rows_13 * w_;
      term[0] = loss_rows_14;
    });
    const double loss_rows_15 = sum_of_pass_4[0];
    const double loss_rows_18 = loss_rows_15 * loss_rows_17;
    const double loss_rows_21 = loss_rows_20 + loss_rows_18;
    const float loss_rows_24 = loss_rows_23 ? 0.0f : loss_rows_21;
    out_to[i] = loss_rows_24;
  }
}

// i < w.shape[0], j < x.shape[0]
extern "C" void loss_counts_kernel(int64_t J, int64_t I, const float* __restrict__ w_from, const int64_t* __restrict__ t_from, float* __restrict__ out_to, int64_t block) {
  const int64_t begin = block * BLOCK2, width = least(BLOCK2, J - begin);
  float loss_counts_3[BLOCK2];
  double loss_counts_3_total[BLOCK2] = {};
  for (int64_t first = 0; first < I; first += 64) {
    for (int64_t c = 0; c < BLOCK2; ++c) loss_counts_3[c] = 0;
    for (int64_t step = first; step < least(first + 64, I); ++step) {
      const int64_t i = step;
      const float w_ = w_from[i];
      const float i_index = (float)i;
      eachv<2>(0, width, [&](int64_t c, [[maybe_unused]] int64_t w) {
        const f32v t_ = whole(t_from + begin + c, 1, w);
        const auto loss_counts_1 = i_index == t_;
        const f32v loss_counts_2 = loss_counts_1 ? splatv(w_) : splatv(0.0f);
        storev(loss_counts_3 + c, loadv(loss_counts_3 + c) + loss_counts_2);
      });
    }
    for (int64_t c = 0; c < width; ++c) loss_counts_3_total[c] += loss_counts_3[c];
  }
  for (int64_t c = 0; c < width; ++c) loss_counts_3[c] = (float)loss_counts_3_total[c];
  eachv<2>(0, width, [&](int64_t c, [[maybe_unused]] int64_t w) {
    const f32v t_ = whole(t_from + begin + c, 1, w);
    const f32v loss_counts_4 = -(loadv(loss_counts_3 + c));
    const auto loss_counts_6 = t_ == -100.0f;
    const f32v loss_counts_7 = loss_counts_6 ? splatv(0.0f) : loss_counts_4;
    put(out_to + begin + c, loss_counts_7, w);
  });
}

// i < loss_rows.shape[0]
extern "C" void loss_kernel(const float* __restrict__ loss_rows_from, const float* __restrict__ loss_counts_from, int64_t I, float* __restrict__ out_to, int64_t task) {
  double sum_of_pass_1[2] = {0, 0};
  sums<2, 4, 1024>(0, I, sum_of_pass_1, [&](int64_t i, [[maybe_unused]] int64_t w, f32v* term) {
    const f32v loss_rows = at(loss_rows_from + i, w);
    const f32v loss_counts = at(loss_counts_from + i, w);
    term[0] = loss_rows;
    term[1] = loss_counts;
  });
  const double loss_total = sum_of_pass_1[0];
  const double loss_count = sum_of_pass_1[1];
  const double loss_quotient = loss_total / loss_count;
  const double loss = -(loss_quotient);
  out_to[0] = loss;
}
