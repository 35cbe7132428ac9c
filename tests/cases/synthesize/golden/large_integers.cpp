/* /// kerf
version = 1
supports = "ids.ndim == 2 and ids.shape[0] == 40 and ids.shape[1] == 300 and others.ndim == 1 and others.shape[0] == 300 and x.ndim == 2 and x.shape[0] == 40 and x.shape[1] == 300"
[tune]
BLOCK = [1024]
[[step]]
launch = "chosen_kernel"
grid = ["cdiv(others.shape[0], BLOCK)", "cdiv(ids.shape[0], max(1, BLOCK // (others.shape[0])))"]
args = ["others.shape[0]", "max(1, BLOCK // (others.shape[0]))", "ids.shape[0]", "others", "ids", "x", "out"]
/// */

static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
// The first w elements from p on (w is vlen but at the end of a loop); memory behind them is not touched.
static inline f32v at(const float* p, int64_t w) { return w >= vlen ? loadv(p) : loadv(p, w, 0.0f); }
static inline void put(float* p, f32v v, int64_t w) { if (w >= vlen) storev(p, v); else storev(p, v, w); }
// Integers as floats: exact below 2^24, and never equal to a smaller one above.
static inline f32v whole(const int64_t* p, int64_t stride, int64_t w) {
  f32v v = {};
  for (int64_t l = 0; l < w; ++l) v[l] = (float)p[l * stride];
  return v;
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
template <class F> static inline i32v compared(int64_t w, F f) {
  i32v v = {};
  for (int64_t l = 0; l < w; ++l) v[l] = -(int32_t)f(l);
  return v;
}

// i < ids.shape[0], j < others.shape[0]
extern "C" void chosen_kernel(int64_t J, int64_t rows, int64_t I, const int64_t* __restrict__ others_from, const int64_t* __restrict__ ids_from, const float* __restrict__ x_from, float* __restrict__ out_to, int64_t block, int64_t group) {
  const int64_t begin = block * BLOCK, end = least(begin + BLOCK, J);
  for (int64_t row = group * rows; row < least((group + 1) * rows, I); ++row) {
    const int64_t i = row;
    const int64_t* ids_at = ids_from + i * J;
    const float* x_at = x_from + i * J;
    float* out_at = out_to + i * J;
    eachv<4>(begin, end, [&](int64_t j, int64_t w) {
      const f32v others = whole(others_from + j, 1, w);
      const f32v ids = whole(ids_at + j, 1, w);
      const i32v same = compared(w, [&](int64_t nth) { return (ids_at + j)[nth] == (others_from + j)[nth]; });
      const f32v x_ = at(x_at + j, w);
      const f32v chosen_1 = same ? splatv(0.0f) : x_;
      put(out_at + j, chosen_1, w);
    });
  }
}
