/* /// kerf
version = 1
supports = "x.ndim == 4 and x.shape[0] == 2 and x.shape[1] == 4 and x.shape[2] == 70 and x.shape[3] == 200"
[tune]
BLOCK1 = [1024]
BLOCK2 = [1024]
[[scratch]]
name = "avg_pool2d_rows"
dtype = "f32"
shape = ["x.shape[0]", "x.shape[1]", "(x.shape[2] - 11) // 11 + 1", "x.shape[3]"]
[[step]]
launch = "avg_pool2d_rows_kernel"
grid = ["cdiv(x.shape[3], BLOCK1)", "cdiv(x.shape[0] * x.shape[1] * ((x.shape[2] - 11) // 11 + 1), max(1, BLOCK1 // (x.shape[3])))"]
args = ["x.shape[3]", "max(1, BLOCK1 // (x.shape[3]))", "x.shape[0] * x.shape[1]", "(x.shape[2] - 11) // 11 + 1", "x", "x.shape[2] * x.shape[3]", "x.shape[3] * 11", "avg_pool2d_rows"]
[[step]]
launch = "avg_pool2d_kernel"
grid = ["cdiv((avg_pool2d_rows.shape[3] - 11) // 11 + 1, BLOCK2)", "cdiv(avg_pool2d_rows.shape[0] * avg_pool2d_rows.shape[1] * avg_pool2d_rows.shape[2], max(1, BLOCK2 // ((avg_pool2d_rows.shape[3] - 11) // 11 + 1)))"]
args = ["(avg_pool2d_rows.shape[3] - 11) // 11 + 1", "max(1, BLOCK2 // ((avg_pool2d_rows.shape[3] - 11) // 11 + 1))", "avg_pool2d_rows.shape[0] * avg_pool2d_rows.shape[1] * avg_pool2d_rows.shape[2]", "avg_pool2d_rows", "avg_pool2d_rows.shape[3]", "out"]
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
// f(i, w) for a vector of elements at a time: i from begin to end, of which w count.
template <int unroll, class F> static inline void eachv(int64_t begin, int64_t end, F f) {
  int64_t i = begin;
  for (; i + vlen * unroll <= end; i += vlen * unroll)
#pragma GCC unroll 16
    for (int u = 0; u < unroll; ++u) f(i + vlen * u, vlen);
  for (; i + vlen <= end; i += vlen) f(i, vlen);
  if (i < end) f(i, end - i);
}

// i < x.shape[0] * x.shape[1], j < (x.shape[2] - 11) // 11 + 1, k < x.shape[3]
extern "C" void avg_pool2d_rows_kernel(int64_t K, int64_t rows, int64_t I, int64_t J, const float* __restrict__ x_from, int64_t x_stride_i, int64_t x_stride_j, float* __restrict__ out_to, int64_t block, int64_t group) {
  const int64_t begin = block * BLOCK1, end = least(begin + BLOCK1, K);
  for (int64_t row = group * rows; row < least((group + 1) * rows, I * J); ++row) {
    const int64_t i = row / J;
    const int64_t j = row % J;
    const float* x_at = x_from + i * x_stride_i + j * x_stride_j;
    const float* x_1_at = x_from + i * x_stride_i + j * x_stride_j + 1 * K;
    const float* x_2_at = x_from + i * x_stride_i + j * x_stride_j + 2 * K;
    const float* x_3_at = x_from + i * x_stride_i + j * x_stride_j + 3 * K;
    const float* x_4_at = x_from + i * x_stride_i + j * x_stride_j + 4 * K;
    const float* x_5_at = x_from + i * x_stride_i + j * x_stride_j + 5 * K;
    const float* x_6_at = x_from + i * x_stride_i + j * x_stride_j + 6 * K;
    const float* x_7_at = x_from + i * x_stride_i + j * x_stride_j + 7 * K;
    const float* x_8_at = x_from + i * x_stride_i + j * x_stride_j + 8 * K;
    const float* x_9_at = x_from + i * x_stride_i + j * x_stride_j + 9 * K;
    const float* x_10_at = x_from + i * x_stride_i + j * x_stride_j + 10 * K;
    float* out_at = out_to + i * J * K + j * K;
    eachv<1>(begin, end, [&](int64_t k, int64_t w) {
      const f32v x_ = at(x_at + k, w);
      const f32v x_1 = at(x_1_at + k, w);
      const f32v avg_pool2d_rows = x_ + x_1;
      const f32v x_2 = at(x_2_at + k, w);
      const f32v avg_pool2d_rows_1 = avg_pool2d_rows + x_2;
      const f32v x_3 = at(x_3_at + k, w);
      const f32v avg_pool2d_rows_2 = avg_pool2d_rows_1 + x_3;
      const f32v x_4 = at(x_4_at + k, w);
      const f32v avg_pool2d_rows_3 = avg_pool2d_rows_2 + x_4;
      const f32v x_5 = at(x_5_at + k, w);
      const f32v avg_pool2d_rows_4 = avg_pool2d_rows_3 + x_5;
      const f32v x_6 = at(x_6_at + k, w);
      const f32v avg_pool2d_rows_5 = avg_pool2d_rows_4 + x_6;
      const f32v x_7 = at(x_7_at + k, w);
      const f32v avg_pool2d_rows_6 = avg_pool2d_rows_5 + x_7;
      const f32v x_8 = at(x_8_at + k, w);
      const f32v avg_pool2d_rows_7 = avg_pool2d_rows_6 + x_8;
      const f32v x_9 = at(x_9_at + k, w);
      const f32v avg_pool2d_rows_8 = avg_pool2d_rows_7 + x_9;
      const f32v x_10 = at(x_10_at + k, w);
      const f32v avg_pool2d_rows_9 = avg_pool2d_rows_8 + x_10;
      const f32v avg_pool2d_rows_11 = avg_pool2d_rows_9 / 11.0f;
      put(out_at + k, avg_pool2d_rows_11, w);
    });
  }
}

// i < avg_pool2d_rows.shape[0] * avg_pool2d_rows.shape[1] * avg_pool2d_rows.shape[2], j < (avg_pool2d_rows.shape[3] - 11) // 11 + 1
extern "C" void avg_pool2d_kernel(int64_t J, int64_t rows, int64_t I, const float* __restrict__ avg_pool2d_rows_from, int64_t avg_pool2d_rows_stride_i, float* __restrict__ out_to, int64_t block, int64_t group) {
  const int64_t begin = block * BLOCK2, end = least(begin + BLOCK2, J);
  for (int64_t row = group * rows; row < least((group + 1) * rows, I); ++row) {
    const int64_t i = row;
    const float* avg_pool2d_rows_at = avg_pool2d_rows_from + i * avg_pool2d_rows_stride_i;
    const float* avg_pool2d_rows_1_at = avg_pool2d_rows_from + i * avg_pool2d_rows_stride_i + 1;
    const float* avg_pool2d_rows_2_at = avg_pool2d_rows_from + i * avg_pool2d_rows_stride_i + 2;
    const float* avg_pool2d_rows_3_at = avg_pool2d_rows_from + i * avg_pool2d_rows_stride_i + 3;
    const float* avg_pool2d_rows_4_at = avg_pool2d_rows_from + i * avg_pool2d_rows_stride_i + 4;
    const float* avg_pool2d_rows_5_at = avg_pool2d_rows_from + i * avg_pool2d_rows_stride_i + 5;
    const float* avg_pool2d_rows_6_at = avg_pool2d_rows_from + i * avg_pool2d_rows_stride_i + 6;
    const float* avg_pool2d_rows_7_at = avg_pool2d_rows_from + i * avg_pool2d_rows_stride_i + 7;
    const float* avg_pool2d_rows_8_at = avg_pool2d_rows_from + i * avg_pool2d_rows_stride_i + 8;
    const float* avg_pool2d_rows_9_at = avg_pool2d_rows_from + i * avg_pool2d_rows_stride_i + 9;
    const float* avg_pool2d_rows_10_at = avg_pool2d_rows_from + i * avg_pool2d_rows_stride_i + 10;
    float* out_at = out_to + i * J;
    eachv<1>(begin, end, [&](int64_t j, int64_t w) {
      const f32v avg_pool2d_rows = gather(avg_pool2d_rows_at + j * 11, 11, w);
      const f32v avg_pool2d_rows_1 = gather(avg_pool2d_rows_1_at + j * 11, 11, w);
      const f32v avg_pool2d = avg_pool2d_rows + avg_pool2d_rows_1;
      const f32v avg_pool2d_rows_2 = gather(avg_pool2d_rows_2_at + j * 11, 11, w);
      const f32v avg_pool2d_1 = avg_pool2d + avg_pool2d_rows_2;
      const f32v avg_pool2d_rows_3 = gather(avg_pool2d_rows_3_at + j * 11, 11, w);
      const f32v avg_pool2d_2 = avg_pool2d_1 + avg_pool2d_rows_3;
      const f32v avg_pool2d_rows_4 = gather(avg_pool2d_rows_4_at + j * 11, 11, w);
      const f32v avg_pool2d_3 = avg_pool2d_2 + avg_pool2d_rows_4;
      const f32v avg_pool2d_rows_5 = gather(avg_pool2d_rows_5_at + j * 11, 11, w);
      const f32v avg_pool2d_4 = avg_pool2d_3 + avg_pool2d_rows_5;
      const f32v avg_pool2d_rows_6 = gather(avg_pool2d_rows_6_at + j * 11, 11, w);
      const f32v avg_pool2d_5 = avg_pool2d_4 + avg_pool2d_rows_6;
      const f32v avg_pool2d_rows_7 = gather(avg_pool2d_rows_7_at + j * 11, 11, w);
      const f32v avg_pool2d_6 = avg_pool2d_5 + avg_pool2d_rows_7;
      const f32v avg_pool2d_rows_8 = gather(avg_pool2d_rows_8_at + j * 11, 11, w);
      const f32v avg_pool2d_7 = avg_pool2d_6 + avg_pool2d_rows_8;
      const f32v avg_pool2d_rows_9 = gather(avg_pool2d_rows_9_at + j * 11, 11, w);
      const f32v avg_pool2d_8 = avg_pool2d_7 + avg_pool2d_rows_9;
      const f32v avg_pool2d_rows_10 = gather(avg_pool2d_rows_10_at + j * 11, 11, w);
      const f32v avg_pool2d_9 = avg_pool2d_8 + avg_pool2d_rows_10;
      const f32v avg_pool2d_11 = avg_pool2d_9 / 11.0f;
      put(out_at + j, avg_pool2d_11, w);
    });
  }
}
