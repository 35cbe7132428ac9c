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
// The first w of 16 elements from p on (w is 16 but at the end of a loop); memory behind them is not touched.
static inline f32x16 at(const float* p, int64_t w) { return w >= 16 ? load16(p) : load16(p, w, 0.0f); }
// f(i, w) for 16 elements at a time: i from begin to end, of which w count.
template <int unroll, class F> static inline void each16(int64_t begin, int64_t end, F f) {
  int64_t i = begin;
  for (; i + 16 * unroll <= end; i += 16 * unroll)
#pragma GCC unroll 16
    for (int u = 0; u < unroll; ++u) f(i + 16 * u, 16);
  for (; i + 16 <= end; i += 16) f(i, 16);
  if (i < end) f(i, end - i);
}
// Whether a is beyond b: larger (or smaller), or NaN where b is none.
template <bool larger, class T> static inline auto beyond(T a, T b) { return (larger ? a > b : a < b) | ((a != a) & (b == b)); }
static inline void put_positions(int64_t* p, int64_t stride, i32x16 v, int64_t w) {
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
    each16<2>(0, width, [&](int64_t c, [[maybe_unused]] int64_t w) {
      const f32x16 x_ = at(x_at + begin + c, w);
      const f32x16 argmax_now = x_, argmax_best = load16(argmax_top + c);
      const i32x16 argmax_better = beyond<true>(argmax_now, argmax_best);
      store16(argmax_top + c, argmax_better ? argmax_now : argmax_best);
      store16(argmax + c, argmax_better ? splat16((int32_t)step) : load16(argmax + c));
    });
  }
  int64_t* out_at_columns = out_to + i * K;
  each16<2>(0, width, [&](int64_t c, [[maybe_unused]] int64_t w) {
    put_positions(out_at_columns + (begin + c) * 1, 1, load16(argmax + c), w);
  });
}
