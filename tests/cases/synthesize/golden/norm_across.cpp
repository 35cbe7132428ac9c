/* /// kerf
version = 1
supports = "x.ndim == 4 and x.shape[0] == 2 and x.shape[1] == 48 and x.shape[2] == 20 and x.shape[3] == 24"
[tune]
BLOCK = [256]
[[step]]
launch = "norm_kernel"
grid = ["cdiv(x.shape[2] * x.shape[3], BLOCK)", "x.shape[0]"]
args = ["x.shape[2] * x.shape[3]", "x.shape[1]", "x", "f32(x.shape[1])", "weight", "bias", "x.shape[1]", "out"]
/// */

static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
// The first w of 16 elements from p on (w is 16 but at the end of a loop); memory behind them is not touched.
static inline f32x16 at(const float* p, int64_t w) { return w >= 16 ? load16(p) : load16(p, w, 0.0f); }
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
// f(i, w) for 16 elements at a time: i from begin to end, of which w count.
template <int unroll, class F> static inline void each16(int64_t begin, int64_t end, F f) {
  int64_t i = begin;
  for (; i + 16 * unroll <= end; i += 16 * unroll)
#pragma GCC unroll 16
    for (int u = 0; u < unroll; ++u) f(i + 16 * u, 16);
  for (; i + 16 <= end; i += 16) f(i, 16);
  if (i < end) f(i, end - i);
}

// i < x.shape[0], j < x.shape[1], k < x.shape[2] * x.shape[3]
extern "C" void norm_kernel(int64_t K, int64_t J, const float* __restrict__ x_from, float norm_count_value, const float* __restrict__ weight_from, const float* __restrict__ bias_from, int64_t out_stride_k, float* __restrict__ out_to, int64_t block, int64_t row) {
  const int64_t begin = block * BLOCK, width = least(BLOCK, K - begin);
  const int64_t i = row;
  float norm_1[BLOCK];
  double norm_1_total[BLOCK] = {};
  for (int64_t first = 0; first < J; first += 64) {
    for (int64_t c = 0; c < BLOCK; ++c) norm_1[c] = 0;
    for (int64_t step = first; step < least(first + 64, J); ++step) {
      const int64_t j = step;
      const float* x_at = x_from + i * J * K + j * K;
      each16<2>(0, width, [&](int64_t c, [[maybe_unused]] int64_t w) {
        const f32x16 x_ = at(x_at + begin + c, w);
        store16(norm_1 + c, load16(norm_1 + c) + x_);
      });
    }
    for (int64_t c = 0; c < width; ++c) norm_1_total[c] += norm_1[c];
  }
  for (int64_t c = 0; c < width; ++c) norm_1[c] = (float)norm_1_total[c];
  float norm_2[BLOCK];
  each16<2>(0, width, [&](int64_t c, [[maybe_unused]] int64_t w) {
    const f32x16 norm_2_16 = load16(norm_1 + c) / norm_count_value;
    store16(norm_2 + c, norm_2_16);
  });
  float norm_5[BLOCK];
  double norm_5_total[BLOCK] = {};
  for (int64_t first = 0; first < J; first += 64) {
    for (int64_t c = 0; c < BLOCK; ++c) norm_5[c] = 0;
    for (int64_t step = first; step < least(first + 64, J); ++step) {
      const int64_t j = step;
      const float* x_at = x_from + i * J * K + j * K;
      each16<2>(0, width, [&](int64_t c, [[maybe_unused]] int64_t w) {
        const f32x16 x_ = at(x_at + begin + c, w);
        const f32x16 norm_3 = x_ - load16(norm_2 + c);
        const f32x16 norm_4 = norm_3 * norm_3;
        store16(norm_5 + c, load16(norm_5 + c) + norm_4);
      });
    }
    for (int64_t c = 0; c < width; ++c) norm_5_total[c] += norm_5[c];
  }
  for (int64_t c = 0; c < width; ++c) norm_5[c] = (float)norm_5_total[c];
  float norm_8[BLOCK];
  each16<2>(0, width, [&](int64_t c, [[maybe_unused]] int64_t w) {
    const f32x16 norm_6 = load16(norm_5 + c) / norm_count_value;
    const f32x16 norm_7 = norm_6 + 1e-05f;
    const f32x16 norm_8_16 = 1.0f / sqrt16(norm_7);
    store16(norm_8 + c, norm_8_16);
  });
  float out_turned[16 * BLOCK];
  for (int64_t first = 0; first < J; first += 16) {
    const int64_t height = least(16, J - first);
    for (int64_t j = first; j < first + height; ++j) {
      const float weight = weight_from[j];
      const float bias = bias_from[j];
      const float* x_at = x_from + i * J * K + j * K;
      each16<2>(0, width, [&](int64_t c, [[maybe_unused]] int64_t w) {
        const f32x16 x_ = at(x_at + begin + c, w);
        const f32x16 norm_3 = x_ - load16(norm_2 + c);
        const f32x16 norm_9 = norm_3 * load16(norm_8 + c);
        const f32x16 norm_10 = norm_9 * weight;
        const f32x16 norm_11 = norm_10 + bias;
        store16(out_turned + (j - first) * BLOCK + c, norm_11);
      });
    }
    for (int64_t c = 0; c < width; c += 16) {
      turn(out_to + i * J * K + first + (begin + c) * out_stride_k, out_stride_k, out_turned + c, BLOCK, 1, height, least(16, width - c));
    }
  }
}
