/* /// kerf
version = 1
supports = "x.ndim == 4 and x.shape[0] == 2 and x.shape[1] == 3 and x.shape[2] == 20 and x.shape[3] == 50"
[tune]
BLOCK = [1024]
[[step]]
launch = "abs_kernel"
grid = ["cdiv(x.shape[3] + 3, BLOCK)", "cdiv(x.shape[0] * x.shape[1] * (3 + x.shape[2]), max(1, BLOCK // (x.shape[3] + 3)))"]
args = ["x.shape[3] + 3", "max(1, BLOCK // (x.shape[3] + 3))", "x.shape[0] * x.shape[1]", "3 + x.shape[2]", "x", "x.shape[2] * x.shape[3]", "x.shape[3] * (-1)", "x.shape[3] - 3", "x.shape[3]", "x.shape[2] - 1", "out"]
/// */

static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
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

// i < x.shape[0] * x.shape[1], j < 3 + x.shape[2], k < x.shape[3] + 3
extern "C" void abs_kernel(int64_t K, int64_t rows, int64_t I, int64_t J, const float* __restrict__ x_flipped_from, int64_t x_flipped_stride_i, int64_t x_flipped_stride_j, int64_t x_flipped_shift, int64_t x_flipped_step, int64_t x_flipped_shift_1, float* __restrict__ out_to, int64_t block, int64_t group) {
  const int64_t begin = block * BLOCK, end = least(begin + BLOCK, K);
  for (int64_t row = group * rows; row < least((group + 1) * rows, I * J); ++row) {
    const int64_t i = row / J;
    const int64_t j = row % J;
    const float* x_flipped_at = x_flipped_from + i * x_flipped_stride_i + j * x_flipped_stride_j + x_flipped_shift + x_flipped_shift_1 * x_flipped_step;
    const float* x_flipped_1_at = x_flipped_from + i * x_flipped_stride_i + j * x_flipped_stride_j + -6 + x_flipped_shift_1 * x_flipped_step;
    float* out_at = out_to + i * J * K + j * K;
    eachv<1>(begin, end, [&](int64_t k, int64_t w) {
      const f32v o_index = __builtin_convertvector(iotav((int32_t)(k)), f32v);
      const auto roll_1 = o_index < 5.0f;
      const f32v x_flipped = j * -1 + x_flipped_shift_1 >= 0 ? of_part(x_flipped_at + k, 1, (k) + x_flipped_shift, 1, x_flipped_step, 0.5f, w) : splatv(0.5f);
      const f32v x_flipped_1 = j * -1 + x_flipped_shift_1 >= 0 ? of_part(x_flipped_1_at + k, 1, (k) + -6, 1, x_flipped_step, 0.5f, w) : splatv(0.5f);
      const f32v roll_flipped = roll_1 ? x_flipped : x_flipped_1;
      const f32v abs = absv(roll_flipped);
      put(out_at + k, abs, w);
    });
  }
}
