/* /// kerf
version = 1
supports = "x.ndim == 2 and x.shape[0] == 64 and x.shape[1] == 1000 and z.ndim == 2 and z.shape[0] == 64 and z.shape[1] == 100"
[tune]
BLOCK = [4096]
[[step]]
launch = "y_kernel"
grid = ["cdiv(x.shape[1], BLOCK)", "cdiv(z.shape[0], max(1, BLOCK // (x.shape[1])))"]
args = ["x.shape[1]", "max(1, BLOCK // (x.shape[1]))", "z.shape[0]", "x", "z", "z.shape[1]", "out", "f32(min(400, x.shape[1]))"]
/// */

static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
// The first w elements from p on (w is vlen but at the end of a loop); memory behind them is not touched.
static inline f32v at(const float* p, int64_t w) { return w >= vlen ? loadv(p) : loadv(p, w, 0.0f); }
static inline void put(float* p, f32v v, int64_t w) { if (w >= vlen) storev(p, v); else storev(p, v, w); }
// v[l] = p[l * step] where l < w and i + l * apart is in [0, limit), else `other`: one by one, out of the way of what is common.
[[gnu::noinline, gnu::cold]] static f32v picked(const float* p, int64_t step, int64_t i, int64_t apart, int64_t limit, float other, int64_t w) {
  f32v v = splatv(other);
  for (int64_t l = 0; l < w; ++l)
    if (i + l * apart >= 0 && i + l * apart < limit) v[l] = p[l * step];
  return v;
}
// Every second element from p[0] on; nothing behind the last one is touched.
static inline f32v evens(const float* p) {
  return shuffle(loadv(p), loadv(p + vlen - 1), [](int l) { return l < vlen / 2 ? 2 * l : 2 * l + 1; });
}
// The same, lanes from `first` to before `past`; the others are `other`.
static inline f32v evens(const float* p, int64_t first, int64_t past, float other) {
  const f32v low = loadv(p, 2 * first, 2 * past - 1, other), high = loadv(p + vlen, 2 * first - vlen, 2 * past - 1 - vlen, other);
  return shuffle(low, high, [](int l) { return 2 * l; });
}
static inline f32v gather(const float* p, int64_t stride, int64_t w) {
  if (stride == 1) return loadv(p, w);
  if (stride == 2) return w >= vlen ? evens(p) : evens(p, 0, w, 0.0f);
  if (w < vlen) return picked(p, stride, 0, 1, w, 0.0f, w);
  f32v v = {};
#pragma GCC unroll 16
  for (int l = 0; l < vlen; ++l) v[l] = p[l * stride];
  return v;
}
// Elements that are `step` apart, the first one with index i; `other` where an index, which grows by `apart`, is
// outside of [0, limit). The usual steps without a branch: many of these stand side by side, and half of a small image is border.
static inline f32v within(const float* p, int64_t step, int64_t i, int64_t apart, int64_t limit, float other, int64_t w) {
  if ((step == 1 || step == 2) && (apart == 1 || apart == 2)) {
    const int64_t first = apart == 1 ? -i : (1 - i) >> 1, past = least(apart == 1 ? limit - i : (limit - i + 1) >> 1, w);
    return step == 1 ? loadv(p, first, past, other) : evens(p, first, past, other);
  }
  const int64_t last = i + (w - 1) * apart;
  if (i >= 0 && i < limit && last >= 0 && last < limit) return gather(p, step, w);
  return picked(p, step, i, apart, limit, other, w);
}
// The same of a part that an element is chosen from by its position: most vectors lie in it, or have nothing of it.
static inline f32v of_part(const float* p, int64_t step, int64_t i, int64_t apart, int64_t limit, float other, int64_t w) {
  const int64_t last = i + (w - 1) * apart, low = least(i, last), high = i + last - low;
  if (high < 0 || low >= limit) return splatv(other);
  if (w >= vlen && low >= 0 && high < limit) return step == 1 ? loadv(p) : gather(p, step, w);
  return within(p, step, i, apart, limit, other, w);
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

// i < z.shape[0], j < x.shape[1]
extern "C" void y_kernel(int64_t J, int64_t rows, int64_t I, const float* __restrict__ x_from, const float* __restrict__ z_from, int64_t z_stride_i, float* __restrict__ out_to, float s_count_value, int64_t block, int64_t group) {
  const int64_t begin = block * BLOCK, end = least(begin + BLOCK, J);
  for (int64_t row = group * rows; row < least((group + 1) * rows, I); ++row) {
    const int64_t i = row;
    const float* x_at = x_from + i * J;
    const float* z_at = z_from + i * z_stride_i + -300;
    float* out_at = out_to + i * J;
    eachv<1>(begin, end, [&](int64_t j, int64_t w) {
      const f32v x_ = at(x_at + j, w);
      const f32v j_index = __builtin_convertvector(iotav((int32_t)(j)), f32v);
      const auto s_ = j_index < s_count_value;
      const auto s_2 = j_index >= 300.0f;
      const auto s_3 = s_2 & s_;
      const f32v z_ = of_part(z_at + j, 1, (j) + -300, 1, z_stride_i, 0.0f, w);
      const f32v r_ = z_ < 0.0f ? splatv(0.0f) : z_;
      const f32v s_4 = s_3 ? r_ : x_;
      const f32v y_1 = s_4 * 2.0f;
      put(out_at + j, y_1, w);
    });
  }
}
