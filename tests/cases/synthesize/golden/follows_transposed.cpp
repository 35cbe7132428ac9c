/* /// kerf
version = 1
supports = "x.ndim == 3 and x.shape[0] == 8 and x.shape[1] == 64 and x.shape[2] == 48 and w.ndim == 3 and w.shape[0] == 8 and w.shape[1] == 64 and w.shape[2] == 20"
[tune]
BLOCK = [2048]
[[scratch]]
name = "shifted_stored"
dtype = "f32"
shape = ["x.shape[0]", "x.shape[1]", "x.shape[2]"]
[[step]]
launch = "shifted_stored_kernel"
grid = ["cdiv(x.shape[0] * x.shape[1] * x.shape[2], BLOCK)"]
args = ["x.shape[0] * x.shape[1] * x.shape[2]", "x", "shifted_stored"]
[[step]]
call = "aten.permute.default"
args = ["shifted_stored", [0, 2, 1]]
out = "shifted"
[[step]]
call = "aten.bmm.default"
args = ["shifted", "w"]
out = "out"
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

// i < x.shape[0] * x.shape[1] * x.shape[2]
extern "C" void shifted_stored_kernel(int64_t I, const float* __restrict__ x_from, float* __restrict__ out_to, int64_t block) {
  const int64_t begin = block * BLOCK, end = least(begin + BLOCK, I);
  eachv<4>(begin, end, [&](int64_t i, int64_t w) {
    const f32v x_ = at(x_from + i, w);
    const f32v scaled_stored_1 = x_ * 0.25f;
    const f32v shifted_stored = scaled_stored_1 < 0.0f ? splatv(0.0f) : scaled_stored_1;
    put(out_to + i, shifted_stored, w);
  });
}
