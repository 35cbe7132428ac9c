/* /// kerf
version = 1
supports = "x.ndim == 4 and x.shape[0] == 4 and x.shape[1] == 3 and x.shape[2] == 16 and x.shape[3] == 64 and y.ndim == 4 and y.shape[0] == 4 and y.shape[1] == 5 and y.shape[2] == 16 and y.shape[3] == 64 and z.ndim == 4 and z.shape[0] == 4 and z.shape[1] == 5 and z.shape[2] == 16 and z.shape[3] == 64"
[tune]
BLOCK = [2048]
[[step]]
call = "aten.cat.default"
args = [["x", "y"], 1]
out = "out0"
[[step]]
launch = "exp_kernel"
grid = ["cdiv(z.shape[0] * z.shape[1] * z.shape[2] * z.shape[3], BLOCK)"]
args = ["z.shape[0] * z.shape[1] * z.shape[2] * z.shape[3]", "z", "out1"]
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

// i < z.shape[0] * z.shape[1] * z.shape[2] * z.shape[3]
extern "C" void exp_kernel(int64_t I, const float* __restrict__ z_from, float* __restrict__ out_to, int64_t block) {
  const int64_t begin = block * BLOCK, end = least(begin + BLOCK, I);
  eachv<4>(begin, end, [&](int64_t i, int64_t w) {
    const f32v z_ = at(z_from + i, w);
    const f32v exp = expv(z_);
    put(out_to + i, exp, w);
  });
}
