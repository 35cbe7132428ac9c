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
// The first w of 16 elements from p on (w is 16 but at the end of a loop); memory behind them is not touched.
static inline f32x16 at(const float* p, int64_t w) { return w >= 16 ? load16(p) : load16(p, w, 0.0f); }
static inline void put(float* p, f32x16 v, int64_t w) { if (w >= 16) store16(p, v); else store16(p, v, w); }
// Swaps the blocks of D elements beside the diagonal of two rows that are D apart.
template <int D>
static inline void swap_blocks(f32x16& upper, f32x16& lower) {
  const f32x16 a = upper, b = lower;
  upper = __builtin_shufflevector(a, b, 0 & D ? 16 - D : 0, 1 & D ? 17 - D : 1, 2 & D ? 18 - D : 2, 3 & D ? 19 - D : 3, 4 & D ? 20 - D : 4, 5 & D ? 21 - D : 5, 6 & D ? 22 - D : 6, 7 & D ? 23 - D : 7, 8 & D ? 24 - D : 8, 9 & D ? 25 - D : 9, 10 & D ? 26 - D : 10, 11 & D ? 27 - D : 11, 12 & D ? 28 - D : 12, 13 & D ? 29 - D : 13, 14 & D ? 30 - D : 14, 15 & D ? 31 - D : 15);
  lower = __builtin_shufflevector(a, b, 0 & D ? 16 : 0 + D, 1 & D ? 17 : 1 + D, 2 & D ? 18 : 2 + D, 3 & D ? 19 : 3 + D, 4 & D ? 20 : 4 + D, 5 & D ? 21 : 5 + D, 6 & D ? 22 : 6 + D, 7 & D ? 23 : 7 + D, 8 & D ? 24 : 8 + D, 9 & D ? 25 : 9 + D, 10 & D ? 26 : 10 + D, 11 & D ? 27 : 11 + D, 12 & D ? 28 : 12 + D, 13 & D ? 29 : 13 + D, 14 & D ? 30 : 14 + D, 15 & D ? 31 : 15 + D);
}
// to[j * pitch + i] = p[i * step + j * apart] for i < w and j < h, h at most 16.
static inline void turn(float* to, int64_t pitch, const float* p, int64_t step, int64_t apart, int64_t w, int64_t h) {
  int64_t i = 0;
  if (h == 16 && apart == 1)
    for (; i + 16 <= w; i += 16) {
      f32x16 v[16];
#pragma GCC unroll 16
      for (int l = 0; l < 16; ++l) v[l] = load16(p + (i + l) * step);
#pragma GCC unroll 16
      for (int l = 0; l < 16; ++l) if (!(l & 8)) swap_blocks<8>(v[l], v[l + 8]);
#pragma GCC unroll 16
      for (int l = 0; l < 16; ++l) if (!(l & 4)) swap_blocks<4>(v[l], v[l + 4]);
#pragma GCC unroll 16
      for (int l = 0; l < 16; ++l) if (!(l & 2)) swap_blocks<2>(v[l], v[l + 2]);
#pragma GCC unroll 16
      for (int l = 0; l < 16; ++l) if (!(l & 1)) swap_blocks<1>(v[l], v[l + 1]);
#pragma GCC unroll 16
      for (int l = 0; l < 16; ++l) store16(to + l * pitch + i, v[l]);
    }
  for (; i < w; ++i)
    for (int64_t j = 0; j < h; ++j) to[j * pitch + i] = p[i * step + j * apart];
}
// v, with lanes from w on replaced.
static inline f32x16 keep(f32x16 v, int64_t w, float other) {
  return iota16() < (int32_t)w ? v : splat16(other);
}
// f(i, w) for 16 elements at a time: i from begin to end, of which w count.
template <int unroll, class F> static inline void each16(int64_t begin, int64_t end, F f) {
  int64_t i = begin;
  for (; i + 16 * unroll <= end; i += 16 * unroll)
#pragma GCC unroll 16
    for (int u = 0; u < unroll; ++u) f(i + 16 * u, 16);
  for (; i + 16 <= end; i += 16) f(i, 16);
  if (i < end) f(i, end - i);
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
// Count, sum, and sum of squares of deviations from the mean, joined pairwise.
struct Moments { double count = 0, sum = 0, squares = 0; };
static inline void join(Moments& a, double count, double sum, double squares) {
  const double apart = a.count > 0 ? sum / count - a.sum / a.count : 0;
  a.squares += squares + apart * apart * (a.count * count / (a.count + count));
  a.count += count;
  a.sum += sum;
}
// Joins the values that f(i, w) gives for 16 elements over [begin, end): `chunk` of them at a time, about their own mean.
template <int accumulators, int64_t chunk, class F>
static inline void moments(int64_t begin, int64_t end, Moments& total, F f) {
  float term[chunk + 16];
  for (int64_t i = begin; i < end; i += chunk) {
    const int64_t n = i + chunk < end ? chunk : end - i;
    double sum = 0, squares = 0;
    sums<1, accumulators, chunk>(0, n, &sum, [&](int64_t k, int64_t w, f32x16* t) {
      t[0] = f(i + k, w);
      store16(term + k, t[0]);
    });
    const float centre = (float)(sum / n);
    sums<1, accumulators, chunk>(0, n, &squares, [&](int64_t k, int64_t, f32x16* t) {
      const f32x16 apart = load16(term + k) - centre;
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
      each16<4>(begin, end, [&](int64_t k, int64_t w) {
        const f32x16 x_ = at(x_at + k, w);
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
      each16<4>(begin, end, [&](int64_t k, int64_t w) {
        const f32x16 conv_last = at(conv_last_at + k, w);
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
        const f32x16 conv = at(conv_at + k, w);
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
      each16<2>(0, K, [&](int64_t k, int64_t w) {
        const f32x16 conv = at(conv_at + k, w);
        const f32x16 norm_3 = conv - (float)norm_2;
        const f32x16 norm_9 = norm_3 * norm_8;
        const f32x16 norm_10 = norm_9 * weight;
        const f32x16 norm_11 = norm_10 + bias;
        const f32x16 relu = norm_11 < 0.0f ? splat16(0.0f) : norm_11;
        prefetch(conv_at + k + K);
        put(out_at + k, relu, w);
      });
    }
  }
}
