/* /// kerf
version = 1
supports = "x.ndim == 4 and x.shape[0] == 2 and x.shape[1] == 32 and x.shape[2] == 12 and x.shape[3] == 14"
[tune]
BLOCK1 = [256]
BLOCK2 = [256]
BLOCK3 = [16384]
[[scratch]]
name = "conv_input"
dtype = "f32"
shape = ["x.shape[0]", "x.shape[2]", "x.shape[3]", "x.shape[1]"]
[[scratch]]
name = "conv"
dtype = "f32"
shape = ["conv_last.shape[0]", "conv_last.shape[1]", "conv_last.shape[2]", "conv_last.shape[3]"]
[[scratch]]
name = "relu"
dtype = "f32"
shape = ["conv.shape[0]", "conv.shape[1]", "conv.shape[2]", "conv.shape[3]"]
[[scratch]]
name = "conv_1_input"
dtype = "f32"
shape = ["relu.shape[0]", "relu.shape[2]", "relu.shape[3]", "relu.shape[1]"]
[[step]]
launch = "conv_input_kernel"
grid = ["cdiv(x.shape[1], BLOCK1)", "x.shape[0]"]
args = ["x.shape[1]", "x.shape[2] * x.shape[3]", "x.shape[3] * x.shape[2]", "x", "conv_input"]
[[step]]
call = "aten.permute.default"
args = ["conv_input", [0, 3, 1, 2]]
out = "conv_image"
[[step]]
call = "aten.conv2d.default"
args = ["conv_image", "first.weight"]
out = "conv_last"
[[step]]
launch = "conv_kernel"
grid = ["cdiv(conv_last.shape[2] * conv_last.shape[3], BLOCK2)", "conv_last.shape[0]"]
args = ["conv_last.shape[2] * conv_last.shape[3]", "conv_last.shape[1]", "conv_last.stride[3]", "conv_last.stride[1]", "conv_last.stride[0]", "conv_last", "conv"]
[[step]]
launch = "relu_kernel"
grid = ["cdiv(conv.shape[1], max(1, BLOCK3 // (conv.shape[0] * conv.shape[2] * conv.shape[3])))"]
args = ["max(1, BLOCK3 // (conv.shape[0] * conv.shape[2] * conv.shape[3]))", "conv.shape[1]", "weight", "bias", "conv.shape[0]", "conv", "conv.shape[2] * conv.shape[3]", "f32(conv.shape[0] * conv.shape[2] * conv.shape[3])", "relu"]
[[step]]
launch = "conv_input_kernel"
grid = ["cdiv(relu.shape[1], BLOCK1)", "relu.shape[0]"]
args = ["relu.shape[1]", "relu.shape[2] * relu.shape[3]", "relu.shape[3] * relu.shape[2]", "relu", "conv_1_input"]
[[step]]
call = "aten.permute.default"
args = ["conv_1_input", [0, 3, 1, 2]]
out = "conv_1_image"
[[step]]
call = "aten.conv2d.default"
args = ["conv_1_image", "second.weight"]
out = "conv_1_last"
[[step]]
launch = "conv_kernel"
grid = ["cdiv(conv_1_last.shape[2] * conv_1_last.shape[3], BLOCK2)", "conv_1_last.shape[0]"]
args = ["conv_1_last.shape[2] * conv_1_last.shape[3]", "conv_1_last.shape[1]", "conv_1_last.stride[3]", "conv_1_last.stride[1]", "conv_1_last.stride[0]", "conv_1_last", "out"]
/// */

static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
// The first w elements from p on (w is vlen but at the end of a loop); memory behind them is not touched.
static inline f32v at(const float* p, int64_t w) { return w >= vlen ? loadv(p) : loadv(p, w, 0.0f); }
static inline void put(float* p, f32v v, int64_t w) { if (w >= vlen) storev(p, v); else storev(p, v, w); }
// Swaps the blocks of D elements beside the diagonal of two rows that are D apart.
template <int D>
static inline void swap_blocks(f32v& upper, f32v& lower) {
  const f32v a = upper, b = lower;
  upper = shuffle(a, b, [](int l) { return l & D ? vlen + l - D : l; });
  lower = shuffle(a, b, [](int l) { return l & D ? vlen + l : l + D; });
}
template <int D>
static inline void swap_all_blocks(f32v* v) {
#pragma GCC unroll 16
  for (int l = 0; l < vlen; ++l) if (!(l & D)) swap_blocks<D>(v[l], v[l + D]);
  if constexpr (D > 1) swap_all_blocks<D / 2>(v);
}
// to[j * pitch + i] = p[i * step + j * apart] for i < w and j < h, h at most 16: a line of the cache.
static inline void turn(float* to, int64_t pitch, const float* p, int64_t step, int64_t apart, int64_t w, int64_t h) {
  int64_t i = 0;
  if (h == 16 && apart == 1)
    for (; i + vlen <= w; i += vlen)
      for (int j = 0; j < 16; j += vlen) {
        f32v v[vlen];
#pragma GCC unroll 16
        for (int l = 0; l < vlen; ++l) v[l] = loadv(p + (i + l) * step + j);
        swap_all_blocks<vlen / 2>(v);
#pragma GCC unroll 16
        for (int l = 0; l < vlen; ++l) storev(to + (j + l) * pitch + i, v[l]);
      }
  for (; i < w; ++i)
    for (int64_t j = 0; j < h; ++j) to[j * pitch + i] = p[i * step + j * apart];
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

// i < x.shape[0], j < x.shape[2] * x.shape[3], k < x.shape[1]
extern "C" void conv_input_kernel(int64_t K, int64_t J, int64_t x_stride_k, const float* __restrict__ x_from, float* __restrict__ out_to, int64_t block, int64_t row) {
  const int64_t begin = block * BLOCK1, end = least(begin + BLOCK1, K);
  const int64_t i = row;
  float x_turned[16 * BLOCK1];
  for (int64_t first = 0; first < J; first += 16) {
    const int64_t height = least(16, J - first);
    turn(x_turned, BLOCK1, x_from + i * J * K + begin * x_stride_k + first * 1, x_stride_k, 1, end - begin, height);
    for (int64_t j = first; j < first + height; ++j) {
      const float* x_at = x_turned + (j - first) * BLOCK1 - begin;
      float* out_at = out_to + i * J * K + j * K;
      eachv<4>(begin, end, [&](int64_t k, int64_t w) {
        const f32v x_ = at(x_at + k, w);
        put(out_at + k, x_, w);
      });
    }
  }
}

// i < conv_last.shape[0], j < conv_last.shape[1], k < conv_last.shape[2] * conv_last.shape[3]
extern "C" void conv_kernel(int64_t K, int64_t J, int64_t conv_last_stride_k, int64_t conv_last_stride_j, int64_t conv_last_stride_i, const float* __restrict__ conv_last_from, float* __restrict__ out_to, int64_t block, int64_t row) {
  const int64_t begin = block * BLOCK2, end = least(begin + BLOCK2, K);
  const int64_t i = row;
  float conv_last_turned[16 * BLOCK2];
  for (int64_t first = 0; first < J; first += 16) {
    const int64_t height = least(16, J - first);
    turn(conv_last_turned, BLOCK2, conv_last_from + i * conv_last_stride_i + begin * conv_last_stride_k + first * conv_last_stride_j, conv_last_stride_k, conv_last_stride_j, end - begin, height);
    for (int64_t j = first; j < first + height; ++j) {
      const float* conv_last_at = conv_last_turned + (j - first) * BLOCK2 - begin;
      float* out_at = out_to + i * J * K + j * K;
      eachv<4>(begin, end, [&](int64_t k, int64_t w) {
        const f32v conv_last = at(conv_last_at + k, w);
        put(out_at + k, conv_last, w);
      });
    }
  }
}

// i < conv.shape[0], j < conv.shape[1], k < conv.shape[2] * conv.shape[3]
extern "C" void relu_kernel(int64_t rows, int64_t J, const float* __restrict__ weight_from, const float* __restrict__ bias_from, int64_t I, const float* __restrict__ conv_from, int64_t K, float norm_count_value, float* __restrict__ out_to, int64_t group) {
  for (int64_t row = group * rows; row < least((group + 1) * rows, J); ++row) {
    const int64_t j = row;
    const float weight = weight_from[j];
    const float bias = bias_from[j];
    Moments moments_of_pass_1;
    for (int64_t i = 0; i < I; ++i) {
      const float* conv_at = conv_from + i * J * K + j * K;
      moments<4, 1024>(0, K, moments_of_pass_1, [&](int64_t k, [[maybe_unused]] int64_t w) {
        const f32v conv = at(conv_at + k, w);
        return conv;
      });
    }
    const double norm_1 = moments_of_pass_1.sum;
    const double norm_5 = moments_of_pass_1.squares;
    const double norm_2 = norm_1 / norm_count_value;
    const double norm_6 = norm_5 / norm_count_value;
    const double norm_7 = norm_6 + 1e-05f;
    const float norm_8 = 1.0f / sqrt1(norm_7);
    for (int64_t i = 0; i < I; ++i) {
      const float* conv_at = conv_from + i * J * K + j * K;
      float* out_at = out_to + i * J * K + j * K;
      eachv<2>(0, K, [&](int64_t k, int64_t w) {
        const f32v conv = at(conv_at + k, w);
        const f32v norm_3 = conv - (float)norm_2;
        const f32v norm_9 = norm_3 * norm_8;
        const f32v norm_10 = norm_9 * weight;
        const f32v norm_11 = norm_10 + bias;
        const f32v relu = norm_11 < 0.0f ? splatv(0.0f) : norm_11;
        prefetch(conv_at + k + K);
        put(out_at + k, relu, w);
      });
    }
  }
}
