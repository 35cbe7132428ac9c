/* /// kerf
version = 1
supports = "x.ndim == 4 and x.shape[0] == 2 and x.shape[1] == 8 and x.shape[2] == 16 and x.shape[3] == 16"
[tune]
BLOCK = [1024]
[[step]]
call = "aten.conv2d.default"
args = ["x", "conv.weight"]
out = "conv2d"
[[step]]
launch = "add_kernel"
grid = ["cdiv(conv2d.shape[2] * conv2d.shape[3], BLOCK)", "cdiv(conv2d.shape[0] * conv2d.shape[1], max(1, BLOCK // (conv2d.shape[2] * conv2d.shape[3])))"]
args = ["conv2d.shape[2] * conv2d.shape[3]", "max(1, BLOCK // (conv2d.shape[2] * conv2d.shape[3]))", "conv2d.shape[0]", "conv2d.shape[1]", "bias", "conv2d", "out"]
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

// i < conv2d.shape[0], j < conv2d.shape[1], k < conv2d.shape[2] * conv2d.shape[3]
extern "C" void add_kernel(int64_t K, int64_t rows, int64_t I, int64_t J, const float* __restrict__ bias_from, const float* __restrict__ conv2d_from, float* __restrict__ out_to, int64_t block, int64_t group) {
  const int64_t begin = block * BLOCK, end = least(begin + BLOCK, K);
  for (int64_t row = group * rows; row < least((group + 1) * rows, I * J); ++row) {
    const int64_t i = row / J;
    const int64_t j = row % J;
    const float bias = bias_from[j];
    const float* conv2d_at = conv2d_from + i * J * K + j * K;
    float* out_at = out_to + i * J * K + j * K;
    eachv<4>(begin, end, [&](int64_t k, int64_t w) {
      const f32v conv2d = at(conv2d_at + k, w);
      const f32v relu = conv2d < 0.0f ? splatv(0.0f) : conv2d;
      const f32v add = relu + bias;
      put(out_at + k, add, w);
    });
  }
}
