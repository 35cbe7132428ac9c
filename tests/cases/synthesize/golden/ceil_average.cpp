/* /// kerf
version = 1
supports = "x.ndim == 4 and x.shape[0] == 2 and x.shape[1] == 3 and x.shape[2] == 14 and x.shape[3] == 14"
[tune]
BLOCK = [1024]
[[step]]
launch = "avg_pool2d_kernel"
grid = ["cdiv(min(cdiv(x.shape[3] - 1, 2) + 1, cdiv(x.shape[3] + 1, 2)), BLOCK)", "cdiv(x.shape[0] * x.shape[1] * (min(cdiv(x.shape[2] - 1, 2) + 1, cdiv(x.shape[2] + 1, 2))), max(1, BLOCK // (min(cdiv(x.shape[3] - 1, 2) + 1, cdiv(x.shape[3] + 1, 2)))))"]
args = ["min(cdiv(x.shape[3] - 1, 2) + 1, cdiv(x.shape[3] + 1, 2))", "max(1, BLOCK // (min(cdiv(x.shape[3] - 1, 2) + 1, cdiv(x.shape[3] + 1, 2))))", "x.shape[0] * x.shape[1]", "min(cdiv(x.shape[2] - 1, 2) + 1, cdiv(x.shape[2] + 1, 2))", "f32(x.shape[2])", "x", "x.shape[2] * x.shape[3]", "x.shape[3] * 2", "x.shape[3]", "out", "x.shape[2]", "f32(x.shape[3])"]
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
// The larger one; NaN if either is.
static inline float greater(float a, float b) { return a > b || a != a ? a : b; }
static inline f32v greater(f32v a, f32v b) { return ((a > b) | (a != a)) ? a : b; }
// The smaller one; NaN if either is.
static inline float smaller(float a, float b) { return a < b || a != a ? a : b; }
static inline f32v smaller(f32v a, f32v b) { return ((a < b) | (a != a)) ? a : b; }
// f(i, w) for a vector of elements at a time: i from begin to end, of which w count.
template <int unroll, class F> static inline void eachv(int64_t begin, int64_t end, F f) {
  int64_t i = begin;
  for (; i + vlen * unroll <= end; i += vlen * unroll)
#pragma GCC unroll 16
    for (int u = 0; u < unroll; ++u) f(i + vlen * u, vlen);
  for (; i + vlen <= end; i += vlen) f(i, vlen);
  if (i < end) f(i, end - i);
}

// i < x.shape[0] * x.shape[1], j < min(cdiv(x.shape[2] - 1, 2) + 1, cdiv(x.shape[2] + 1, 2)), k < min(cdiv(x.shape[3] - 1, 2) + 1, cdiv(x.shape[3] + 1, 2))
extern "C" void avg_pool2d_kernel(int64_t K, int64_t rows, int64_t I, int64_t J, float avg_pool2d_count_value, const float* __restrict__ x_from, int64_t x_stride_i, int64_t x_stride_j, int64_t x_step, float* __restrict__ out_to, int64_t x_limit, float avg_pool2d_count_1_value, int64_t block, int64_t group) {
  const int64_t begin = block * BLOCK, end = least(begin + BLOCK, K);
  for (int64_t row = group * rows; row < least((group + 1) * rows, I * J); ++row) {
    const int64_t i = row / J;
    const int64_t j = row % J;
    const float o_index = (float)j;
    const float avg_pool2d_10 = o_index * 2.0f;
    const float avg_pool2d_11 = -1.0f + avg_pool2d_10;
    const float avg_pool2d_13 = avg_pool2d_11 + 3.0f;
    const float avg_pool2d_14 = smaller(avg_pool2d_13, avg_pool2d_count_value);
    const float avg_pool2d_16 = greater(avg_pool2d_11, 0.0f);
    const float avg_pool2d_17 = avg_pool2d_14 - avg_pool2d_16;
    const float* x_at = x_from + i * x_stride_i + j * x_stride_j + -1 + -1 * x_step;
    const float* x_1_at = x_from + i * x_stride_i + j * x_stride_j + -1 * x_step;
    const float* x_2_at = x_from + i * x_stride_i + j * x_stride_j + 1 + -1 * x_step;
    const float* x_3_at = x_from + i * x_stride_i + j * x_stride_j + -1;
    const float* x_4_at = x_from + i * x_stride_i + j * x_stride_j;
    const float* x_5_at = x_from + i * x_stride_i + j * x_stride_j + 1;
    const float* x_6_at = x_from + i * x_stride_i + j * x_stride_j + -1 + 1 * x_step;
    const float* x_7_at = x_from + i * x_stride_i + j * x_stride_j + 1 * x_step;
    const float* x_8_at = x_from + i * x_stride_i + j * x_stride_j + 1 + 1 * x_step;
    float* out_at = out_to + i * J * K + j * K;
    eachv<1>(begin, end, [&](int64_t k, int64_t w) {
      const f32v x_ = j * 2 + -1 >= 0 && j * 2 + -1 < x_limit ? within(x_at + k * 2, 2, (k) * 2 + -1, 2, x_step, 0.0f, w) : splatv(0.0f);
      const f32v x_1 = j * 2 + -1 >= 0 && j * 2 + -1 < x_limit ? within(x_1_at + k * 2, 2, (k) * 2, 2, x_step, 0.0f, w) : splatv(0.0f);
      const f32v avg_pool2d = x_ + x_1;
      const f32v x_2 = j * 2 + -1 >= 0 && j * 2 + -1 < x_limit ? within(x_2_at + k * 2, 2, (k) * 2 + 1, 2, x_step, 0.0f, w) : splatv(0.0f);
      const f32v avg_pool2d_1 = avg_pool2d + x_2;
      const f32v x_3 = j * 2 < x_limit ? within(x_3_at + k * 2, 2, (k) * 2 + -1, 2, x_step, 0.0f, w) : splatv(0.0f);
      const f32v avg_pool2d_2 = avg_pool2d_1 + x_3;
      const f32v x_4 = j * 2 < x_limit ? within(x_4_at + k * 2, 2, (k) * 2, 2, x_step, 0.0f, w) : splatv(0.0f);
      const f32v avg_pool2d_3 = avg_pool2d_2 + x_4;
      const f32v x_5 = j * 2 < x_limit ? within(x_5_at + k * 2, 2, (k) * 2 + 1, 2, x_step, 0.0f, w) : splatv(0.0f);
      const f32v avg_pool2d_4 = avg_pool2d_3 + x_5;
      const f32v x_6 = j * 2 + 1 < x_limit ? within(x_6_at + k * 2, 2, (k) * 2 + -1, 2, x_step, 0.0f, w) : splatv(0.0f);
      const f32v avg_pool2d_5 = avg_pool2d_4 + x_6;
      const f32v x_7 = j * 2 + 1 < x_limit ? within(x_7_at + k * 2, 2, (k) * 2, 2, x_step, 0.0f, w) : splatv(0.0f);
      const f32v avg_pool2d_6 = avg_pool2d_5 + x_7;
      const f32v x_8 = j * 2 + 1 < x_limit ? within(x_8_at + k * 2, 2, (k) * 2 + 1, 2, x_step, 0.0f, w) : splatv(0.0f);
      const f32v avg_pool2d_7 = avg_pool2d_6 + x_8;
      const f32v o_index_1 = __builtin_convertvector(iotav((int32_t)(k)), f32v);
      const f32v avg_pool2d_18 = o_index_1 * 2.0f;
      const f32v avg_pool2d_19 = -1.0f + avg_pool2d_18;
      const f32v avg_pool2d_20 = avg_pool2d_19 + 3.0f;
      const f32v avg_pool2d_21 = smaller(avg_pool2d_20, splatv(avg_pool2d_count_1_value));
      const f32v avg_pool2d_22 = greater(avg_pool2d_19, splatv(0.0f));
      const f32v avg_pool2d_23 = avg_pool2d_21 - avg_pool2d_22;
      const f32v avg_pool2d_24 = avg_pool2d_17 * avg_pool2d_23;
      const f32v avg_pool2d_25 = avg_pool2d_7 / avg_pool2d_24;
      put(out_at + k, avg_pool2d_25, w);
    });
  }
}
