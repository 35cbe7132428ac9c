/* /// kerf
version = 1
supports = "x.ndim == 4 and x.shape[0] == 4 and x.shape[1] == 64 and x.shape[2] == 64 and x.shape[3] == 64"
[tune]
BLOCK = [65536]
[[scratch]]
name = "layer_norm_kernel_part1"
dtype = "f64"
shape = ["x.shape[0]", "cdiv(x.shape[1] * x.shape[2] * x.shape[3], BLOCK)", 3]
[[step]]
launch = "layer_norm_kernel_pass1"
grid = ["cdiv(x.shape[1] * x.shape[2] * x.shape[3], BLOCK)", "x.shape[0]"]
args = ["x.shape[1] * x.shape[2] * x.shape[3]", "cdiv(x.shape[1] * x.shape[2] * x.shape[3], BLOCK)", "x", "layer_norm_kernel_part1"]
[[step]]
launch = "layer_norm_kernel"
grid = ["x.shape[0]", "cdiv(x.shape[1] * x.shape[2] * x.shape[3], BLOCK)"]
args = ["x.shape[1] * x.shape[2] * x.shape[3]", "cdiv(x.shape[1] * x.shape[2] * x.shape[3], BLOCK)", "layer_norm_kernel_part1", "f32(x.shape[1] * x.shape[2] * x.shape[3])", "x", "w", "b", "out"]
/// */

static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
// The first w elements from p on (w is vlen but at the end of a loop); memory behind them is not touched.
static inline f32v at(const float* p, int64_t w) { return w >= vlen ? loadv(p) : loadv(p, w, 0.0f); }
// A store that goes around the caches, where p is aligned: nobody reads it before it would have left them.
static inline void put_past(float* p, f32v v, int64_t w) {
  if (w < vlen) storev(p, v, w); else if (alignedv(p)) streamv(p, v); else storev(p, v);
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

// i < x.shape[0], j < x.shape[1] * x.shape[2] * x.shape[3]: partial results of pass 1 for each chunk of j
extern "C" void layer_norm_kernel_pass1(int64_t J, int64_t chunks, const float* __restrict__ x_from, double* __restrict__ layer_norm_kernel_part1, int64_t chunk, int64_t row) {
  const int64_t begin = chunk * BLOCK, end = least(begin + BLOCK, J);
  const int64_t i = row;
  Moments moments_of_pass_1;
  const float* x_at = x_from + i * J;
  moments<4, 1024>(begin, end, moments_of_pass_1, [&](int64_t j, [[maybe_unused]] int64_t w) {
    const f32v x_ = at(x_at + j, w);
    return x_;
  });
  layer_norm_kernel_part1[(row * chunks + chunk) * 3 + 0] = moments_of_pass_1.count;
  layer_norm_kernel_part1[(row * chunks + chunk) * 3 + 1] = moments_of_pass_1.sum;
  layer_norm_kernel_part1[(row * chunks + chunk) * 3 + 2] = moments_of_pass_1.squares;
}

// i < x.shape[0], j < x.shape[1] * x.shape[2] * x.shape[3]
extern "C" void layer_norm_kernel(int64_t J, int64_t chunks, const double* __restrict__ layer_norm_kernel_part1, float layer_norm_count_value, const float* __restrict__ x_from, const float* __restrict__ w_from, const float* __restrict__ b_from, float* __restrict__ out_to, int64_t row, int64_t chunk) {
  const int64_t begin = chunk * BLOCK, end = least(begin + BLOCK, J);
  const int64_t i = row;
  Moments moments_of_pass_1;
  for (int64_t c = 0; c < chunks; ++c) join(moments_of_pass_1, layer_norm_kernel_part1[(row * chunks + c) * 3 + 0], layer_norm_kernel_part1[(row * chunks + c) * 3 + 1], layer_norm_kernel_part1[(row * chunks + c) * 3 + 2]);
  const double layer_norm_1 = moments_of_pass_1.sum;
  const double layer_norm_5 = moments_of_pass_1.squares;
  const double layer_norm_2 = layer_norm_1 / layer_norm_count_value;
  const double layer_norm_6 = layer_norm_5 / layer_norm_count_value;
  const double layer_norm_7 = layer_norm_6 + 1e-05f;
  const float layer_norm_8 = 1.0f / sqrt1(layer_norm_7);
  const float* x_at = x_from + i * J;
  float* out_at = out_to + i * J;
  eachv<2>(begin, end, [&](int64_t j, int64_t w) {
    const f32v x_ = at(x_at + j, w);
    const f32v layer_norm_3 = x_ - (float)layer_norm_2;
    const f32v layer_norm_9 = layer_norm_3 * layer_norm_8;
    const f32v w_ = at(w_from + j, w);
    const f32v layer_norm_10 = layer_norm_9 * w_;
    const f32v b_ = at(b_from + j, w);
    const f32v layer_norm_11 = layer_norm_10 + b_;
    put_past(out_at + j, layer_norm_11, w);
  });
  stream_end();
}
