/* /// kerf
version = 1
supports = "a.ndim == 2 and a.shape[0] == 4096 and a.shape[1] == 4096 and b.ndim == 2 and b.shape[0] == 4096 and b.shape[1] == 4096"
[tune]
BLOCK = [32768]
[[step]]
call = "aten.matmul.default"
args = ["a", "b"]
out = "mm"
[[step]]
launch = "tril_kernel"
grid = ["cdiv(mm.shape[1], BLOCK)", "cdiv(mm.shape[0], max(1, BLOCK // (mm.shape[1])))"]
args = ["mm.shape[1]", "max(1, BLOCK // (mm.shape[1]))", "mm.shape[0]", "mm", "out"]
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

// i < mm.shape[0], j < mm.shape[1]
extern "C" void tril_kernel(int64_t J, int64_t rows, int64_t I, const float* __restrict__ mm_from, float* __restrict__ out_to, int64_t block, int64_t group) {
  const int64_t begin = block * BLOCK, end = least(begin + BLOCK, J);
  for (int64_t row = group * rows; row < least((group + 1) * rows, I); ++row) {
    const int64_t i = row;
    const float i_index = (float)i;
    const float* mm_at = mm_from + i * J;
    float* out_at = out_to + i * J;
    eachv<4>(begin, end, [&](int64_t j, int64_t w) {
      const f32v mm = at(mm_at + j, w);
      const f32v j_index = __builtin_convertvector(iotav((int32_t)(j)), f32v);
      const auto tril = j_index <= i_index;
      const f32v tril_2 = tril ? mm : splatv(0.0f);
      put_past(out_at + j, tril_2, w);
    });
  }
  stream_end();
}
