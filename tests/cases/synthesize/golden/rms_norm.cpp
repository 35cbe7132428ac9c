/* /// kerf
version = 1
supports = "x.ndim == 4 and x.shape[0] == 4 and x.shape[1] == 8 and x.shape[2] == 16 and x.shape[3] == 16"
[tune]
BLOCK = [256]
[[step]]
launch = "div_kernel"
grid = ["cdiv(x.shape[2] * x.shape[3], BLOCK)", "x.shape[0]"]
args = ["x.shape[2] * x.shape[3]", "x.shape[1]", "x", "f32(x.shape[1])", "out"]
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

// i < x.shape[0], j < x.shape[1], k < x.shape[2] * x.shape[3]
extern "C" void div_kernel(int64_t K, int64_t J, const float* __restrict__ x_from, float mean_count_value, float* __restrict__ out_to, int64_t block, int64_t row) {
  const int64_t begin = block * BLOCK, width = least(BLOCK, K - begin);
  const int64_t i = row;
  float mean[BLOCK];
  double mean_total[BLOCK] = {};
  for (int64_t first = 0; first < J; first += 64) {
    for (int64_t c = 0; c < BLOCK; ++c) mean[c] = 0;
    for (int64_t step = first; step < least(first + 64, J); ++step) {
      const int64_t j = step;
      const float* x_at = x_from + i * J * K + j * K;
      eachv<2>(0, width, [&](int64_t c, [[maybe_unused]] int64_t w) {
        const f32v x_ = at(x_at + begin + c, w);
        const f32v pow_1 = x_ * x_;
        storev(mean + c, loadv(mean + c) + pow_1);
      });
    }
    for (int64_t c = 0; c < width; ++c) mean_total[c] += mean[c];
  }
  for (int64_t c = 0; c < width; ++c) mean[c] = (float)mean_total[c];
  float sqrt[BLOCK];
  eachv<2>(0, width, [&](int64_t c, [[maybe_unused]] int64_t w) {
    const f32v mean_1 = loadv(mean + c) / mean_count_value;
    const f32v add_1 = mean_1 + 1e-05f;
    const f32v sqrt_lanes = sqrtv(add_1);
    storev(sqrt + c, sqrt_lanes);
  });
  for (int64_t j = 0; j < J; ++j) {
    float* out_at = out_to + i * J * K + j * K;
    const float* x_at = x_from + i * J * K + j * K;
    eachv<2>(0, width, [&](int64_t c, [[maybe_unused]] int64_t w) {
      const f32v x_ = at(x_at + begin + c, w);
      const f32v div = x_ / loadv(sqrt + c);
      put(out_at + begin + c, div, w);
    });
  }
}
