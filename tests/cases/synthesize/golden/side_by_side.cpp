/* /// kerf
version = 1
supports = "x.ndim == 4 and x.shape[0] == 4 and x.shape[1] == 3 and x.shape[2] == 16 and x.shape[3] == 64 and y.ndim == 4 and y.shape[0] == 4 and y.shape[1] == 5 and y.shape[2] == 16 and y.shape[3] == 64"
[tune]
BLOCK = [4096]
[[step]]
launch = "mul_kernel"
grid = ["cdiv(x.shape[2] * x.shape[3], BLOCK)", "cdiv(x.shape[0] * (x.shape[1] + y.shape[1]), max(1, BLOCK // (x.shape[2] * x.shape[3])))"]
args = ["x.shape[2] * x.shape[3]", "max(1, BLOCK // (x.shape[2] * x.shape[3]))", "x.shape[0]", "x.shape[1] + y.shape[1]", "f32(x.shape[1])", "y", "y.shape[1] * x.shape[3] * x.shape[2]", "x.shape[3] * x.shape[2]", "0 - x.shape[1]", "x", "x.shape[1] * x.shape[3] * x.shape[2]", "out", "x.shape[1]"]
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

// i < x.shape[0], j < x.shape[1] + y.shape[1], k < x.shape[2] * x.shape[3]
extern "C" void mul_kernel(int64_t K, int64_t rows, int64_t I, int64_t J, float cat_count_value, const float* __restrict__ y_from, int64_t y_stride_i, int64_t y_stride_j, int64_t y_shift, const float* __restrict__ x_from, int64_t x_stride_i, float* __restrict__ out_to, int64_t x_limit, int64_t block, int64_t group) {
  const int64_t begin = block * BLOCK, end = least(begin + BLOCK, K);
  for (int64_t row = group * rows; row < least((group + 1) * rows, I * J); ++row) {
    const int64_t i = row / J;
    const int64_t j = row % J;
    const float o_index = (float)j;
    const bool cat = o_index < cat_count_value;
    const float* y_at = y_from + i * y_stride_i + j * y_stride_j + y_shift * y_stride_j;
    const float* x_at = x_from + i * x_stride_i + j * y_stride_j;
    float* out_at = out_to + i * J * K + j * K;
    eachv<1>(begin, end, [&](int64_t k, int64_t w) {
      const f32v y_ = j + y_shift >= 0 ? at(y_at + k, w) : splatv(0.0f);
      const f32v x_ = j < x_limit ? at(x_at + k, w) : splatv(0.0f);
      const f32v relu = x_ < 0.0f ? splatv(0.0f) : x_;
      const f32v cat_1 = cat ? relu : y_;
      const f32v mul_1 = cat_1 * 0.5f;
      put(out_at + k, mul_1, w);
    });
  }
}
