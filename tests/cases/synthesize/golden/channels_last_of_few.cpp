/* /// kerf
version = 1
supports = "x.ndim == 4 and x.shape[0] == 2 and x.shape[1] == 3 and x.shape[2] == 40 and x.shape[3] == 44"
[tune]
BLOCK = [256]
[[step]]
call = "aten.clone.default"
args = ["conv.weight"]
kwargs = { memory_format = "channels_last" }
out = "conv_weight"
[[step]]
call = "aten.conv2d.default"
args = ["x", "conv_weight"]
out = "conv_last"
[[step]]
launch = "relu_kernel"
grid = ["cdiv(conv_last.shape[2] * conv_last.shape[3], BLOCK)", "conv_last.shape[0]"]
args = ["conv_last.shape[2] * conv_last.shape[3]", "conv_last.shape[1]", "conv_last.stride[3]", "conv_last.stride[1]", "conv_last.stride[0]", "conv_last", "out"]
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
// f(i, w) for a vector of elements at a time: i from begin to end, of which w count.
template <int unroll, class F> static inline void eachv(int64_t begin, int64_t end, F f) {
  int64_t i = begin;
  for (; i + vlen * unroll <= end; i += vlen * unroll)
#pragma GCC unroll 16
    for (int u = 0; u < unroll; ++u) f(i + vlen * u, vlen);
  for (; i + vlen <= end; i += vlen) f(i, vlen);
  if (i < end) f(i, end - i);
}

// i < conv_last.shape[0], j < conv_last.shape[1], k < conv_last.shape[2] * conv_last.shape[3]
extern "C" void relu_kernel(int64_t K, int64_t J, int64_t conv_last_stride_k, int64_t conv_last_stride_j, int64_t conv_last_stride_i, const float* __restrict__ conv_last_from, float* __restrict__ out_to, int64_t block, int64_t row) {
  const int64_t begin = block * BLOCK, end = least(begin + BLOCK, K);
  const int64_t i = row;
  float conv_last_turned[16 * BLOCK];
  for (int64_t first = 0; first < J; first += 16) {
    const int64_t height = least(16, J - first);
    turn(conv_last_turned, BLOCK, conv_last_from + i * conv_last_stride_i + begin * conv_last_stride_k + first * conv_last_stride_j, conv_last_stride_k, conv_last_stride_j, end - begin, height);
    for (int64_t j = first; j < first + height; ++j) {
      const float* conv_last_at = conv_last_turned + (j - first) * BLOCK - begin;
      float* out_at = out_to + i * J * K + j * K;
      eachv<4>(begin, end, [&](int64_t k, int64_t w) {
        const f32v conv_last = at(conv_last_at + k, w);
        const f32v relu = conv_last < 0.0f ? splatv(0.0f) : conv_last;
        put(out_at + k, relu, w);
      });
    }
  }
}
