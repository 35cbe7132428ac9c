/* /// kerf
version = 1
supports = "x.ndim == 4 and x.shape[0] == 16 and x.shape[1] == 64 and x.shape[2] == 128 and x.shape[3] == 128"
[tune]
BLOCK1 = [256]
BLOCK2 = [256]
BLOCK3 = [32768]
[[scratch]]
name = "conv_input"
dtype = "f32"
shape = ["x.shape[0]", "x.shape[2]", "x.shape[3]", "x.shape[1]"]
[[scratch]]
name = "conv_weight_input"
dtype = "f32"
shape = ["w.shape[0]", "w.shape[2]", "w.shape[3]", "w.shape[1]"]
[[step]]
launch = "conv_input_kernel"
grid = ["cdiv(x.shape[1], BLOCK1)", "x.shape[0]", "cdiv(x.shape[2] * x.shape[3], 1024)"]
args = ["x.shape[1]", "x.shape[2] * x.shape[3]", "x.shape[3] * x.shape[2]", "x", "conv_input"]
[[step]]
call = "aten.permute.default"
args = ["conv_input", [0, 3, 1, 2]]
out = "conv_image"
[[step]]
launch = "conv_weight_input_kernel"
grid = ["cdiv(w.shape[1], BLOCK2)", "w.shape[0]"]
args = ["w.shape[1]", "w.shape[2] * w.shape[3]", "w.shape[3] * w.shape[2]", "w", "conv_weight_input"]
[[step]]
call = "aten.permute.default"
args = ["conv_weight_input", [0, 3, 1, 2]]
out = "conv_weight_image"
[[step]]
call = "aten.conv2d.default"
args = ["conv_image", "conv_weight_image", "b", [1, 1], [1, 1]]
out = "conv"
[[step]]
launch = "relu_kernel"
grid = ["cdiv(conv.shape[0] * conv.shape[1] * conv.shape[2] * conv.shape[3], BLOCK3)"]
args = ["conv.shape[0] * conv.shape[1] * conv.shape[2] * conv.shape[3]", "conv", "out"]
/// */

static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
// The first w of 16 elements from p on (w is 16 but at the end of a loop); memory behind them is not touched.
static inline f32x16 at(const float* p, int64_t w) { return w >= 16 ? load16(p) : load16(p, w, 0.0f); }
static inline void put(float* p, f32x16 v, int64_t w) { if (w >= 16) store16(p, v); else store16(p, v, w); }
// A store that goes around the caches, where p is aligned: nobody reads it before it would have left them.
static inline void put_past(float* p, f32x16 v, int64_t w) {
  if (w < 16) store16(p, v, w); else if (aligned64(p)) stream16(p, v); else store16(p, v);
}
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

// i < x.shape[0], j < x.shape[2] * x.shape[3], k < x.shape[1]
extern "C" void conv_input_kernel(int64_t K, int64_t J, int64_t x_stride_k, const float* __restrict__ x_from, float* __restrict__ out_to, int64_t block, int64_t row, int64_t piece) {
  const int64_t begin = block * BLOCK1, end = least(begin + BLOCK1, K);
  const int64_t i = row;
  float x_turned[16 * BLOCK1];
  const int64_t start = piece * 1024, stop = least(start + 1024, J);
  for (int64_t first = start; first < stop; first += 16) {
    const int64_t height = least(16, stop - first);
    turn(x_turned, BLOCK1, x_from + i * J * K + begin * x_stride_k + first * 1, x_stride_k, 1, end - begin, height);
    for (int64_t j = first; j < first + height; ++j) {
      const float* x_at = x_turned + (j - first) * BLOCK1 - begin;
      float* out_at = out_to + i * J * K + j * K;
      each16<4>(begin, end, [&](int64_t k, int64_t w) {
        const f32x16 x_ = at(x_at + k, w);
        const f32x16 conv_rounded = 0;
        put_past(out_at + k, conv_rounded, w);
      });
    }
  }
  stream_end();
}

// i < w.shape[0], j < w.shape[2] * w.shape[3], k < w.shape[1]
extern "C" void conv_weight_input_kernel(int64_t K, int64_t J, int64_t w_stride_k, const float* __restrict__ w_from, float* __restrict__ out_to, int64_t block, int64_t row) {
  const int64_t begin = block * BLOCK2, end = least(begin + BLOCK2, K);
  const int64_t i = row;
  float w_turned[16 * BLOCK2];
  for (int64_t first = 0; first < J; first += 16) {
    const int64_t height = least(16, J - first);
    turn(w_turned, BLOCK2, w_from + i * J * K + begin * w_stride_k + first * 1, w_stride_k, 1, end - begin, height);
    for (int64_t j = first; j < first + height; ++j) {
      const float* w_at = w_turned + (j - first) * BLOCK2 - begin;
      float* out_at = out_to + i * J * K + j * K;
      each16<4>(begin, end, [&](int64_t k, int64_t w) {
        const f32x16 w_ = at(w_at + k, w);
        const f32x16 conv_weight_rounded = 0;
        put(out_at + k, conv_weight_rounded, w);
      });
    }
  }
}

// i < conv.shape[0] * conv.shape[1] * conv.shape[2] * conv.shape[3]
extern "C" void relu_kernel(int64_t I, const float* __restrict__ conv_from, float* __restrict__ out_to, int64_t block) {
  const int64_t begin = block * BLOCK3, end = least(begin + BLOCK3, I);
  each16<4>(begin, end, [&](int64_t i, int64_t w) {
    const f32x16 conv = at(conv_from + i, w);
    const f32x16 relu = conv < 0.0f ? splat16(0.0f) : conv;
    put_past(out_to + i, relu, w);
  });
  stream_end();
}
