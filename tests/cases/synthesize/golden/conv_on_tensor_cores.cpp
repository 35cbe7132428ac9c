/* /// kerf
version = 1
supports = "x.ndim == 4 and x.shape[0] == 16 and x.shape[1] == 64 and x.shape[2] == 128 and x.shape[3] == 128"
[tune]
BLOCK = [32768]
[[step]]
call = "aten.conv2d.default"
args = ["x", "w", "b", [1, 1], [1, 1]]
out = "conv2d"
[[step]]
launch = "relu_kernel"
grid = ["cdiv(conv2d.shape[0] * conv2d.shape[1] * conv2d.shape[2] * conv2d.shape[3], BLOCK)"]
args = ["conv2d.shape[0] * conv2d.shape[1] * conv2d.shape[2] * conv2d.shape[3]", "conv2d", "out"]
/// */

static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
// The first w elements from p on (w is vlen but at the end of a loop); memory behind them is not touched.
static inline f32v at(const float* p, int64_t w) { return w >= vlen ? loadv(p) : loadv(p, w, 0.0f); }
// A store that goes around the caches, where p is aligned: nobody reads it before it would have left them.
static inline void put_past(float* p, f32v v, int64_t w) {
  if (w < vlen) storev(p, v, w); else if (alignedv(p)) streamv(p, v); else storev(p, v);
}
// f(i, w) for a vector of elements at a time: i from begin to end, of which w count.
template <int unroll, class F> static inline void eachv(int64_t begin, int64_t end, F f) {
  int64_t i = begin;
  for (; i + vlen * unroll <= end; i += vlen * unroll)
#pragma GCC unroll 16
    for (int u = 0; u < unroll; ++u) f(i + vlen * u, vlen);
  for (; i + vlen <= end; i += vlen) f(i, vlen);
  if (i < end) f(i, end - i);
}

// i < conv2d.shape[0] * conv2d.shape[1] * conv2d.shape[2] * conv2d.shape[3]
extern "C" void relu_kernel(int64_t I, const float* __restrict__ conv2d_from, float* __restrict__ out_to, int64_t block) {
  const int64_t begin = block * BLOCK, end = least(begin + BLOCK, I);
  eachv<4>(begin, end, [&](int64_t i, int64_t w) {
    const f32v conv2d = at(conv2d_from + i, w);
    const f32v relu = conv2d < 0.0f ? splatv(0.0f) : conv2d;
    put_past(out_to + i, relu, w);
  });
  stream_end();
}
