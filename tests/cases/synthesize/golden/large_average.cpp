/* /// kerf
version = 1
supports = "x.ndim == 4 and x.shape[0] == 2 and x.shape[1] == 4 and x.shape[2] == 70 and x.shape[3] == 200"
[tune]
BLOCK = [256]
[[step]]
launch = "avg_pool2d_kernel"
grid = ["cdiv((x.shape[3] - 10 - 1) // 11 + 1, BLOCK)", "x.shape[0] * x.shape[1] * ((x.shape[2] - 10 - 1) // 11 + 1)"]
args = ["(x.shape[3] - 10 - 1) // 11 + 1", "(x.shape[2] - 10 - 1) // 11 + 1", 11, 11, "x", "x.shape[3]", "x.shape[2] * x.shape[3]", "x.shape[3] * 11", "out"]
/// */

static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
static inline void put(float* p, f32x16 v, int64_t w) { if (w >= 16) store16(p, v); else store16(p, v, w); }
// Elements p[0], p[2] … p[30]; nothing behind them is touched.
static inline f32x16 evens(const float* p) {
  return __builtin_shufflevector(load16(p), load16(p + 15), 0, 2, 4, 6, 8, 10, 12, 14, 17, 19, 21, 23, 25, 27, 29, 31);
}
static inline f32x16 gather(const float* p, int64_t stride, int64_t w) {
  if (stride == 2 && w >= 16) return evens(p);
  f32x16 v = {};
  if (w >= 16) {
#pragma GCC unroll 16
    for (int l = 0; l < 16; ++l) v[l] = p[l * stride];
    return v;
  }
  for (int64_t l = 0; l < w; ++l) v[l] = p[l * stride];
  return v;
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

// i < 11, j < 11, k < x.shape[0] * x.shape[1], l < (x.shape[2] - 10 - 1) // 11 + 1, m < (x.shape[3] - 10 - 1) // 11 + 1
extern "C" void avg_pool2d_kernel(int64_t M, int64_t L, int64_t I, int64_t J, const float* __restrict__ x_from, int64_t x_stride_i, int64_t x_stride_k, int64_t x_stride_l, float* __restrict__ out_to, int64_t block, int64_t row) {
  const int64_t begin = block * BLOCK, width = least(BLOCK, M - begin);
  const int64_t k = row / L;
  const int64_t l = row % L;
  float avg_pool2d[BLOCK];
  double avg_pool2d_total[BLOCK] = {};
  for (int64_t first = 0; first < I * J; first += 64) {
    for (int64_t c = 0; c < BLOCK; ++c) avg_pool2d[c] = 0;
    for (int64_t step = first; step < least(first + 64, I * J); ++step) {
      const int64_t i = step / J;
      const int64_t j = step % J;
      const float* x_at = x_from + i * x_stride_i + j + k * x_stride_k + l * x_stride_l;
      each16<2>(0, width, [&](int64_t c, [[maybe_unused]] int64_t w) {
        const f32x16 x_ = gather(x_at + (begin + c) * 11, 11, w);
        store16(avg_pool2d + c, load16(avg_pool2d + c) + x_);
      });
    }
    for (int64_t c = 0; c < width; ++c) avg_pool2d_total[c] += avg_pool2d[c];
  }
  for (int64_t c = 0; c < width; ++c) avg_pool2d[c] = (float)avg_pool2d_total[c];
  float* out_at_columns = out_to + k * L * M + l * M;
  each16<2>(0, width, [&](int64_t c, [[maybe_unused]] int64_t w) {
    const f32x16 avg_pool2d_2 = load16(avg_pool2d + c) / 121.0f;
    put(out_at_columns + begin + c, avg_pool2d_2, w);
  });
}
