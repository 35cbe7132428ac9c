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
// The first w elements from p on (w is vlen but at the end of a loop); memory behind them is not touched.
static inline f32v at(const float* p, int64_t w) { return w >= vlen ? loadv(p) : loadv(p, w, 0.0f); }
static inline void put(float* p, f32v v, int64_t w) { if (w >= vlen) storev(p, v); else storev(p, v, w); }
// A store that goes around the caches, where p is aligned: nobody reads it before it would have left them.
static inline void put_past(float* p, f32v v, int64_t w) {
  if (w < vlen) storev(p, v, w); else if (alignedv(p)) streamv(p, v); else storev(p, v);
}
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
// f(i, w) for a vector of elements at a time: i from begin to end, of which w count.
template <int unroll, class F> static inline void eachv(int64_t begin, int64_t end, F f) {
  int64_t i = begin;
  for (; i + vlen * unroll <= end; i += vlen * unroll)
#pragma GCC unroll 16
    for (int u = 0; u < unroll; ++u) f(i + vlen * u, vlen);
  for (; i + vlen <= end; i += vlen) f(i, vlen);
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
      eachv<4>(begin, end, [&](int64_t k, int64_t w) {
        const f32v x_ = at(x_at + k, w);
        const f32v conv_rounded = 0;
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
      eachv<4>(begin, end, [&](int64_t k, int64_t w) {
        const f32v w_ = at(w_at + k, w);
        const f32v conv_weight_rounded = 0;
        put(out_at + k, conv_weight_rounded, w);
      });
    }
  }
}

// i < conv.shape[0] * conv.shape[1] * conv.shape[2] * conv.shape[3]
extern "C" void relu_kernel(int64_t I, const float* __restrict__ conv_from, float* __restrict__ out_to, int64_t block) {
  const int64_t begin = block * BLOCK3, end = least(begin + BLOCK3, I);
  eachv<4>(begin, end, [&](int64_t i, int64_t w) {
    const f32v conv = at(conv_from + i, w);
    const f32v relu = conv < 0.0f ? splatv(0.0f) : conv;
    put_past(out_to + i, relu, w);
  });
  stream_end();
}
