/* /// kerf
version = 1
supports = "x.ndim == 2 and x.shape[0] == 16 and x.shape[1] == 512"
[tune]
BLOCK = [256]
[[step]]
call = "aten.t.default"
args = ["x"]
out = "linear_product_input"
[[step]]
call = "aten.mm.default"
args = ["w", "linear_product_input"]
out = "linear_product_turned"
[[step]]
launch = "gelu_kernel"
grid = ["cdiv(linear_product_turned.shape[0], BLOCK)"]
args = ["linear_product_turned.shape[0]", "linear_product_turned.shape[1]", "linear_product_turned.shape[1]", "linear_product_turned", "b", "out"]
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

// i < linear_product_turned.shape[1], j < linear_product_turned.shape[0]
extern "C" void gelu_kernel(int64_t J, int64_t I, int64_t linear_product_turned_stride_j, const float* __restrict__ linear_product_turned_from, const float* __restrict__ b_from, float* __restrict__ out_to, int64_t block) {
  const int64_t begin = block * BLOCK, end = least(begin + BLOCK, J);
  float linear_product_turned_turned[16 * BLOCK];
  for (int64_t first = 0; first < I; first += 16) {
    const int64_t height = least(16, I - first);
    turn(linear_product_turned_turned, BLOCK, linear_product_turned_from + begin * linear_product_turned_stride_j + first * 1, linear_product_turned_stride_j, 1, end - begin, height);
    for (int64_t i = first; i < first + height; ++i) {
      const float* linear_product_turned_at = linear_product_turned_turned + (i - first) * BLOCK - begin;
      float* out_at = out_to + i * J;
      eachv<4>(begin, end, [&](int64_t j, int64_t w) {
        const f32v linear_product_turned = at(linear_product_turned_at + j, w);
        const f32v b_ = at(b_from + j, w);
        const f32v linear = linear_product_turned + b_;
        const f32v gelu_1 = linear * 0.70710677f;
        const f32v gelu_2 = erfv(gelu_1);
        const f32v gelu_4 = gelu_2 + 1.0f;
        const f32v gelu_6 = linear * 0.5f;
        const f32v gelu_7 = gelu_6 * gelu_4;
        put(out_at + j, gelu_7, w);
      });
    }
  }
}
