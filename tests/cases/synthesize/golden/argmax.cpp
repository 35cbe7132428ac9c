/* /// kerf
version = 1
supports = "x.ndim == 3 and x.shape[0] == 6 and x.shape[1] == 128 and x.shape[2] == 1023"
[tune]
BLOCK = [256]
[[step]]
launch = "argmax_kernel"
grid = ["cdiv(x.shape[2], BLOCK)", "x.shape[0]"]
args = ["x.shape[2]", "x.shape[1]", "x", "out"]
/// */

static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
// The first w elements from p on (w is vlen but at the end of a loop); memory behind them is not touched.
static inline f32v at(const float* p, int64_t w) { return w >= vlen ? loadv(p) : loadv(p, w, 0.0f); }
// f(i, w) for a vector of elements at a time: i from begin to end, of which w count.
template <int unroll, class F> static inline void eachv(int64_t begin, int64_t end, F f) {
  int64_t i = begin;
  for (; i + vlen * unroll <= end; i += vlen * unroll)
#pragma GCC unroll 16
    for (int u = 0; u < unroll; ++u) f(i + vlen * u, vlen);
  for (; i + vlen <= end; i += vlen) f(i, vlen);
  if (i < end) f(i, end - i);
}
// Whether a is beyond b: larger (or smaller), or NaN where b is none.
template <bool larger, class T> static inline auto beyond(T a, T b) { return (larger ? a > b : a < b) | ((a != a) & (b == b)); }
static inline void put_positions(int64_t* p, int64_t stride, i32v v, int64_t w) {
  for (int64_t l = 0; l < w; ++l) p[l * stride] = v[l];
}

// i < x.shape[0], j < x.shape[1], k < x.shape[2]
extern "C" void argmax_kernel(int64_t K, int64_t J, const float* __restrict__ x_from, int64_t* __restrict__ out_to, int64_t block, int64_t row) {
  const int64_t begin = block * BLOCK, width = least(BLOCK, K - begin);
  const int64_t i = row;
  int32_t argmax[BLOCK] = {};
  float argmax_top[BLOCK];
  for (int64_t c = 0; c < BLOCK; ++c) argmax_top[c] = -__builtin_inff();
  for (int64_t step = 0; step < J; ++step) {
    const int64_t j = step;
    const float* x_at = x_from + i * J * K + j * K;
    eachv<2>(0, width, [&](int64_t c, [[maybe_unused]] int64_t w) {
      const f32v x_ = at(x_at + begin + c, w);
      const f32v argmax_now = x_, argmax_best = loadv(argmax_top + c);
      const i32v argmax_better = beyond<true>(argmax_now, argmax_best);
      storev(argmax_top + c, argmax_better ? argmax_now : argmax_best);
      storev(argmax + c, argmax_better ? splatv((int32_t)step) : loadv(argmax + c));
    });
  }
  int64_t* out_at_columns = out_to + i * K;
  eachv<2>(0, width, [&](int64_t c, [[maybe_unused]] int64_t w) {
    put_positions(out_at_columns + (begin + c) * 1, 1, loadv(argmax + c), w);
  });
}
