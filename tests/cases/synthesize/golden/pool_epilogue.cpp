/* /// kerf
version = 1
supports = "x.ndim == 4 and x.shape[0] == 2 and x.shape[1] == 8 and x.shape[2] == 16 and x.shape[3] == 64"
[tune]
BLOCK = [1024]
[[step]]
launch = "mul_kernel"
grid = ["cdiv((x.shape[3] - 2) // 2 + 1, BLOCK)", "cdiv(x.shape[0] * x.shape[1] * ((x.shape[2] - 2) // 2 + 1), max(1, BLOCK // ((x.shape[3] - 2) // 2 + 1)))"]
args = ["(x.shape[3] - 2) // 2 + 1", "max(1, BLOCK // ((x.shape[3] - 2) // 2 + 1))", "x.shape[0] * x.shape[1] * ((x.shape[2] - 2) // 2 + 1)", "x", "x.shape[3] * 2", "x.shape[3]", "out"]
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
// The larger one; NaN if either is.
static inline float greater(float a, float b) { return a > b || a != a ? a : b; }
static inline f32v greater(f32v a, f32v b) { return ((a > b) | (a != a)) ? a : b; }
// f(i, w) for a vector of elements at a time: i from begin to end, of which w count.
template <int unroll, class F> static inline void eachv(int64_t begin, int64_t end, F f) {
  int64_t i = begin;
  for (; i + vlen * unroll <= end; i += vlen * unroll)
#pragma GCC unroll 16
    for (int u = 0; u < unroll; ++u) f(i + vlen * u, vlen);
  for (; i + vlen <= end; i += vlen) f(i, vlen);
  if (i < end) f(i, end - i);
}

// i < x.shape[0] * x.shape[1] * ((x.shape[2] - 2) // 2 + 1), j < (x.shape[3] - 2) // 2 + 1
extern "C" void mul_kernel(int64_t J, int64_t rows, int64_t I, const float* __restrict__ x_from, int64_t x_stride_i, int64_t x_2_step, float* __restrict__ out_to, int64_t block, int64_t group) {
  const int64_t begin = block * BLOCK, end = least(begin + BLOCK, J);
  for (int64_t row = group * rows; row < least((group + 1) * rows, I); ++row) {
    const int64_t i = row;
    const float* x_at = x_from + i * x_stride_i;
    const float* x_1_at = x_from + i * x_stride_i + 1;
    const float* x_2_at = x_from + i * x_stride_i + 1 * x_2_step;
    const float* x_3_at = x_from + i * x_stride_i + 1 + 1 * x_2_step;
    float* out_at = out_to + i * J;
    eachv<1>(begin, end, [&](int64_t j, int64_t w) {
      const f32v x_ = gather(x_at + j * 2, 2, w);
      const f32v relu = x_ < 0.0f ? splatv(0.0f) : x_;
      const f32v tanh = tanhv(relu);
      const f32v x_1 = gather(x_1_at + j * 2, 2, w);
      const f32v relu_1 = x_1 < 0.0f ? splatv(0.0f) : x_1;
      const f32v tanh_1 = tanhv(relu_1);
      const f32v max_pool2d = greater(tanh, tanh_1);
      const f32v x_2 = gather(x_2_at + j * 2, 2, w);
      const f32v relu_2 = x_2 < 0.0f ? splatv(0.0f) : x_2;
      const f32v tanh_2 = tanhv(relu_2);
      const f32v max_pool2d_1 = greater(max_pool2d, tanh_2);
      const f32v x_3 = gather(x_3_at + j * 2, 2, w);
      const f32v relu_3 = x_3 < 0.0f ? splatv(0.0f) : x_3;
      const f32v tanh_3 = tanhv(relu_3);
      const f32v max_pool2d_2 = greater(max_pool2d_1, tanh_3);
      const f32v mul_1 = max_pool2d_2 * 2.0f;
      put(out_at + j, mul_1, w);
    });
  }
}
