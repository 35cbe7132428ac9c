/* /// kerf
version = 1
supports = "x.ndim == 2 and x.shape[0] == 32 and x.shape[1] == 128"
[tune]
BLOCK = [1024]
[[step]]
call = "aten.mm.default"
args = ["x", "w"]
out = "mm"
[[step]]
launch = "mul_kernel"
grid = ["cdiv(mm.shape[0] * mm.shape[1], BLOCK)"]
args = ["mm.shape[0] * mm.shape[1]", "mm", "out"]
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

// i < mm.shape[0] * mm.shape[1]
extern "C" void mul_kernel(int64_t I, const float* __restrict__ mm_from, float* __restrict__ out_to, int64_t block) {
  const int64_t begin = block * BLOCK, end = least(begin + BLOCK, I);
  each16<4>(begin, end, [&](int64_t i, int64_t w) {
    const f32x16 mm = at(mm_from + i, w);
    const f32x16 relu_ = mm < 0.0f ? splat16(0.0f) : mm;
    const f32x16 mul_1 = relu_ * 2.0f;
    put(out_to + i, mul_1, w);
  });
}
