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

// i < mm.shape[0] * mm.shape[1]
extern "C" void mul_kernel(int64_t I, const float* __restrict__ mm_from, float* __restrict__ out_to, int64_t block) {
  const int64_t begin = block * BLOCK, end = least(begin + BLOCK, I);
  eachv<4>(begin, end, [&](int64_t i, int64_t w) {
    const f32v mm = at(mm_from + i, w);
    const f32v relu_ = mm < 0.0f ? splatv(0.0f) : mm;
    const f32v mul_1 = relu_ * 2.0f;
    put(out_to + i, mul_1, w);
  });
}
