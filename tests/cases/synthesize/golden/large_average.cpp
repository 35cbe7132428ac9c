/* /// kerf
version = 1
supports = "x.ndim == 4 and x.shape[0] == 2 and x.shape[1] == 4 and x.shape[2] == 90 and x.shape[3] == 200"
[tune]
BLOCK = [256]
[[step]]
launch = "avg_pool2d_kernel"
grid = ["cdiv(x.shape[3], BLOCK)", "x.shape[0] * x.shape[1] * ((x.shape[2] - 40) // 10 + 1)"]
args = ["x.shape[3]", "(x.shape[2] - 40) // 10 + 1", 40, "x", "x.shape[2] * x.shape[3]", "x.shape[3] * 10", "out"]
/// */

static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
// The first w elements from p on (w is vlen but at the end of a loop); memory behind them is not touched.
static inline f32v at(const float* p, int64_t w) { return w >= vlen ? loadv(p) : loadv(p, w, 0.0f); }
static inline void put(float* p, f32v v, int64_t w) { if (w >= vlen) storev(p, v); else storev(p, v, w); }
// f(i, w) for a vector of elements at a time: i from begin to end, of which w count.
template <int unroll, class F> static inline void eachv(int64_t begin, int64_t end, F f) {
  int64_t i = begin;
  for (; i + vlen * unroll <= end; i += vlen * unroll)
#pragma GCC unroll 16
    for (int u = 0; u < unroll; ++u) f(i + vlen * u, vlen);
  for (; i + vlen <= end; i += vlen) f(i, vlen);
  if (i < end) f(i, end - i);
}

// i < 40, j < x.shape[0] * x.shape[1], k < (x.shape[2] - 40) // 10 + 1, l < x.shape[3]
extern "C" void avg_pool2d_kernel(int64_t L, int64_t K, int64_t I, const float* __restrict__ x_from, int64_t x_stride_j, int64_t x_stride_k, float* __restrict__ out_to, int64_t block, int64_t row) {
  const int64_t begin = block * BLOCK, width = least(BLOCK, L - begin);
  const int64_t j = row / K;
  const int64_t k = row % K;
  float avg_pool2d[BLOCK];
  double avg_pool2d_total[BLOCK] = {};
  for (int64_t first = 0; first < I; first += 64) {
    for (int64_t c = 0; c < BLOCK; ++c) avg_pool2d[c] = 0;
    for (int64_t step = first; step < least(first + 64, I); ++step) {
      const int64_t i = step;
      const float* x_at = x_from + i * L + j * x_stride_j + k * x_stride_k;
      eachv<2>(0, width, [&](int64_t c, [[maybe_unused]] int64_t w) {
        const f32v x_ = at(x_at + begin + c, w);
        storev(avg_pool2d + c, loadv(avg_pool2d + c) + x_);
      });
    }
    for (int64_t c = 0; c < width; ++c) avg_pool2d_total[c] += avg_pool2d[c];
  }
  for (int64_t c = 0; c < width; ++c) avg_pool2d[c] = (float)avg_pool2d_total[c];
  float* out_at_columns = out_to + j * K * L + k * L;
  eachv<2>(0, width, [&](int64_t c, [[maybe_unused]] int64_t w) {
    const f32v avg_pool2d_2 = loadv(avg_pool2d + c) / 40.0f;
    put(out_at_columns + begin + c, avg_pool2d_2, w);
  });
}
