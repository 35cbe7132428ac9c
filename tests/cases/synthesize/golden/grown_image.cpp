/* /// kerf
version = 1
supports = "x.ndim == 4 and x.shape[0] == 2 and x.shape[1] == 3 and x.shape[2] == 32 and x.shape[3] == 48 and y.ndim == 4 and y.shape[0] == 2 and y.shape[1] == 3 and y.shape[2] == 64 and y.shape[3] == 96"
[tune]
BLOCK = [4096]
[[step]]
launch = "s_kernel"
grid = ["cdiv(2, BLOCK)", "cdiv(x.shape[0] * x.shape[1] * x.shape[2] * 2 * x.shape[3], max(1, BLOCK // (2)))"]
args = [2, "max(1, BLOCK // (2))", "x.shape[0] * x.shape[1] * x.shape[2]", 2, "x.shape[3]", "x", "y", "out"]
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

// i < x.shape[0] * x.shape[1] * x.shape[2], j < 2, k < x.shape[3], l < 2
extern "C" void s_kernel(int64_t L, int64_t rows, int64_t I, int64_t J, int64_t K, const float* __restrict__ x_from, const float* __restrict__ y_from, float* __restrict__ out_to, int64_t block, int64_t group) {
  const int64_t begin = block * BLOCK, end = least(begin + BLOCK, L);
  for (int64_t row = group * rows; row < least((group + 1) * rows, I * J * K); ++row) {
    const int64_t i = row / (J * K);
    const int64_t j = row / K % J;
    const int64_t k = row % K;
    const float x_ = x_from[i * K + k];
    const float r_ = x_ < 0.0f ? 0.0f : x_;
    const float r_index = (float)j;
    const bool u_2 = r_index < 2.0f;
    const float u_3 = u_2 ? r_ : 0.0f;
    const float* y_at = y_from + i * J * K * L + j * K * L + k * L;
    float* out_at = out_to + i * J * K * L + j * K * L + k * L;
    eachv<4>(begin, end, [&](int64_t l, int64_t w) {
      const f32v r_index_1 = __builtin_convertvector(iotav((int32_t)(l)), f32v);
      const auto u_4 = r_index_1 < 2.0f;
      const f32v u_5 = u_4 ? splatv(u_3) : splatv(0.0f);
      const f32v y_ = at(y_at + l, w);
      const f32v s_ = u_5 + y_;
      put(out_at + l, s_, w);
    });
  }
}
