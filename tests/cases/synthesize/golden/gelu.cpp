/* /// kerf
version = 1
supports = "x.ndim == 2 and x.shape[0] == 64 and x.shape[1] == 4096"
[tune]
BLOCK = [32768]
[[step]]
launch = "mul_kernel"
grid = ["cdiv(x.shape[0] * x.shape[1], BLOCK)"]
args = ["x.shape[0] * x.shape[1]", "x", "out"]
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

// i < x.shape[0] * x.shape[1]
extern "C" void mul_kernel(int64_t I, const float* __restrict__ x_from, float* __restrict__ out_to, int64_t block) {
  const int64_t begin = block * BLOCK, end = least(begin + BLOCK, I);
  eachv<4>(begin, end, [&](int64_t i, int64_t w) {
    const f32v x_ = at(x_from + i, w);
    const f32v gelu_1 = x_ * 0.70710677f;
    const f32v gelu_2 = erfv(gelu_1);
    const f32v gelu_4 = gelu_2 + 1.0f;
    const f32v gelu_6 = x_ * 0.5f;
    const f32v gelu_7 = gelu_6 * gelu_4;
    const f32v mul = gelu_7 * x_;
    put(out_to + i, mul, w);
  });
}
