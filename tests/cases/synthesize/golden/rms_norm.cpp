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
// The first w of 16 elements from p on (w is 16 but at the end of a loop); memory behind them is not touched.
static inline f32x16 at(const float* p, int64_t w) { return w >= 16 ? load16(p) : load16(p, w, 0.0f); }
static inline void put(float* p, f32x16 v, int64_t w) { if (w >= 16) store16(p, v); else store16(p, v, w); }
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
      each16<2>(0, width, [&](int64_t c, [[maybe_unused]] int64_t w) {
        const f32x16 x_ = at(x_at + begin + c, w);
        const f32x16 pow_1 = x_ * x_;
        store16(mean + c, load16(mean + c) + pow_1);
      });
    }
    for (int64_t c = 0; c < width; ++c) mean_total[c] += mean[c];
  }
  for (int64_t c = 0; c < width; ++c) mean[c] = (float)mean_total[c];
  float sqrt[BLOCK];
  each16<2>(0, width, [&](int64_t c, [[maybe_unused]] int64_t w) {
    const f32x16 mean_1 = load16(mean + c) / mean_count_value;
    const f32x16 add_1 = mean_1 + 1e-05f;
    const f32x16 sqrt_16 = sqrt16(add_1);
    store16(sqrt + c, sqrt_16);
  });
  for (int64_t j = 0; j < J; ++j) {
    float* out_at = out_to + i * J * K + j * K;
    const float* x_at = x_from + i * J * K + j * K;
    each16<2>(0, width, [&](int64_t c, [[maybe_unused]] int64_t w) {
      const f32x16 x_ = at(x_at + begin + c, w);
      const f32x16 div = x_ / load16(sqrt + c);
      put(out_at + begin + c, div, w);
    });
  }
}
