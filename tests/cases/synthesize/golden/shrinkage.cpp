/* /// kerf
version = 1
supports = "x.ndim == 3 and x.shape[0] == 32 and x.shape[1] == 16 and x.shape[2] == 256 and y.ndim == 3 and y.shape[0] == 32 and y.shape[1] == 16 and y.shape[2] == 256"
[tune]
BLOCK = [16384]
[[step]]
launch = "masked_fill_kernel"
grid = ["cdiv(x.shape[2], BLOCK)", "cdiv(x.shape[0] * x.shape[1], max(1, BLOCK // (x.shape[2])))"]
args = ["x.shape[2]", "max(1, BLOCK // (x.shape[2]))", "x.shape[0]", "x.shape[1]", "slope", "x", "y", "out"]
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

// i < x.shape[0], j < x.shape[1], k < x.shape[2]
extern "C" void masked_fill_kernel(int64_t K, int64_t rows, int64_t I, int64_t J, const float* __restrict__ slope_from, const float* __restrict__ x_from, const float* __restrict__ y_from, float* __restrict__ out_to, int64_t block, int64_t group) {
  const int64_t begin = block * BLOCK, end = least(begin + BLOCK, K);
  for (int64_t row = group * rows; row < least((group + 1) * rows, I * J); ++row) {
    const int64_t i = row / J;
    const int64_t j = row % J;
    const float softshrink_3 = -(0.2f);
    const float slope = slope_from[j];
    const float* x_at = x_from + i * J * K + j * K;
    const float* y_at = y_from + i * J * K + j * K;
    float* out_at = out_to + i * J * K + j * K;
    eachv<4>(begin, end, [&](int64_t k, int64_t w) {
      const f32v x_ = at(x_at + k, w);
      const f32v hardshrink_2 = absv(x_);
      const auto hardshrink_3 = hardshrink_2 <= 0.3f;
      const f32v hardshrink_4 = hardshrink_3 ? splatv(0.0f) : x_;
      const f32v y_ = at(y_at + k, w);
      const f32v softshrink_1 = y_ * 0.0f;
      const f32v softshrink_2 = y_ + 0.2f;
      const auto softshrink_4 = y_ < softshrink_3;
      const f32v softshrink_5 = softshrink_4 ? softshrink_2 : softshrink_1;
      const f32v softshrink_6 = y_ - 0.2f;
      const auto softshrink_7 = y_ > 0.2f;
      const f32v softshrink_8 = softshrink_7 ? softshrink_6 : softshrink_5;
      const auto threshold_2 = y_ <= -0.5f;
      const f32v threshold_3 = threshold_2 ? splatv(-1.0f) : y_;
      const f32v prelu = softshrink_8 * slope;
      const auto prelu_1 = softshrink_8 > 0.0f;
      const f32v prelu_2 = prelu_1 ? softshrink_8 : prelu;
      const f32v addcmul = prelu_2 * threshold_3;
      const f32v addcmul_1 = hardshrink_4 + addcmul;
      const auto gt = x_ > y_;
      const f32v masked_fill_1 = gt ? splatv(2.0f) : addcmul_1;
      put(out_at + k, masked_fill_1, w);
    });
  }
}
