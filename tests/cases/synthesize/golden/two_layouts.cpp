/* /// kerf
version = 1
supports = "x.ndim == 3 and x.shape[0] == 4 and x.shape[1] == 32 and x.shape[2] == 300"
[tune]
BLOCK = [256]
[[step]]
launch = "turned_kernel"
grid = ["cdiv(x.shape[2], BLOCK)", "x.shape[0]"]
args = ["x.shape[2]", "x.shape[1]", "x", "out0", "out1", "x.shape[1]"]
/// */

static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
// The first w elements from p on (w is vlen but at the end of a loop); memory behind them is not touched.
static inline f32v at(const float* p, int64_t w) { return w >= vlen ? loadv(p) : loadv(p, w, 0.0f); }
static inline void put(float* p, f32v v, int64_t w) { if (w >= vlen) storev(p, v); else storev(p, v, w); }
static inline void scatter(float* p, int64_t stride, f32v v, int64_t w) {
  for (int64_t l = 0; l < w; ++l) p[l * stride] = v[l];
}
// The larger one; NaN if either is.
static inline float greater(float a, float b) { return a > b || a != a ? a : b; }
static inline f32v greater(f32v a, f32v b) { return ((a > b) | (a != a)) ? a : b; }
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
extern "C" void turned_kernel(int64_t K, int64_t J, const float* __restrict__ x_from, float* __restrict__ out0_to, float* __restrict__ out1_to, int64_t out1_stride_k, int64_t block, int64_t row) {
  const int64_t begin = block * BLOCK, width = least(BLOCK, K - begin);
  const int64_t i = row;
  float softmax[BLOCK];
  for (int64_t c = 0; c < BLOCK; ++c) softmax[c] = -__builtin_inff();
  for (int64_t step = 0; step < J; ++step) {
    const int64_t j = step;
    const float* x_at = x_from + i * J * K + j * K;
    eachv<2>(0, width, [&](int64_t c, [[maybe_unused]] int64_t w) {
      const f32v x_ = at(x_at + begin + c, w);
      storev(softmax + c, greater(x_, loadv(softmax + c)));
    });
  }
  float softmax_3[BLOCK];
  double softmax_3_total[BLOCK] = {};
  for (int64_t first = 0; first < J; first += 64) {
    for (int64_t c = 0; c < BLOCK; ++c) softmax_3[c] = 0;
    for (int64_t step = first; step < least(first + 64, J); ++step) {
      const int64_t j = step;
      const float* x_at = x_from + i * J * K + j * K;
      eachv<2>(0, width, [&](int64_t c, [[maybe_unused]] int64_t w) {
        const f32v x_ = at(x_at + begin + c, w);
        const f32v softmax_1 = x_ - loadv(softmax + c);
        const f32v softmax_2 = expv(softmax_1);
        storev(softmax_3 + c, loadv(softmax_3 + c) + softmax_2);
      });
    }
    for (int64_t c = 0; c < width; ++c) softmax_3_total[c] += softmax_3[c];
  }
  for (int64_t c = 0; c < width; ++c) softmax_3[c] = (float)softmax_3_total[c];
  float softmax_4[BLOCK];
  eachv<2>(0, width, [&](int64_t c, [[maybe_unused]] int64_t w) {
    const f32v softmax_4_lanes = 1.0f / loadv(softmax_3 + c);
    storev(softmax_4 + c, softmax_4_lanes);
  });
  for (int64_t j = 0; j < J; ++j) {
    float* out0_at = out0_to + i * J * K + j * K;
    float* out1_at = out1_to + i * J * K + j;
    const float* x_at = x_from + i * J * K + j * K;
    eachv<2>(0, width, [&](int64_t c, [[maybe_unused]] int64_t w) {
      const f32v x_ = at(x_at + begin + c, w);
      const f32v softmax_1 = x_ - loadv(softmax + c);
      const f32v softmax_2 = expv(softmax_1);
      const f32v softmax_5 = softmax_2 * loadv(softmax_4 + c);
      put(out0_at + begin + c, softmax_5, w);
      scatter(out1_at + (begin + c) * out1_stride_k, out1_stride_k, softmax_5, w);
    });
  }
}
