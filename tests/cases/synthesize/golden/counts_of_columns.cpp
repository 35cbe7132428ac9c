/* /// kerf
version = 1
supports = "x.ndim == 2 and x.shape[0] == 64 and x.shape[1] == 300 and z.ndim == 2 and z.shape[0] == 20 and z.shape[1] == 300"
[tune]
BLOCK1 = [256]
BLOCK2 = [256]
[[step]]
launch = "sum_kernel"
grid = ["cdiv(x.shape[1], BLOCK1)"]
args = ["x.shape[1]", "x.shape[0]", "x", "out0"]
[[step]]
launch = "cdist_kernel"
grid = ["cdiv(z.shape[0], BLOCK2)", "min(10, x.shape[0])"]
args = ["z.shape[0]", "x.shape[1]", "x", "z", "x.shape[1]", "out1"]
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
static inline void put_positions(int64_t* p, int64_t stride, i32v v, int64_t w) {
  for (int64_t l = 0; l < w; ++l) p[l * stride] = v[l];
}

// i < x.shape[0], j < x.shape[1]
extern "C" void sum_kernel(int64_t J, int64_t I, const float* __restrict__ x_from, int64_t* __restrict__ out_to, int64_t block) {
  const int64_t begin = block * BLOCK1, width = least(BLOCK1, J - begin);
  float sum_1[BLOCK1];
  double sum_1_total[BLOCK1] = {};
  for (int64_t first = 0; first < I; first += 64) {
    for (int64_t c = 0; c < BLOCK1; ++c) sum_1[c] = 0;
    for (int64_t step = first; step < least(first + 64, I); ++step) {
      const int64_t i = step;
      const float* x_at = x_from + i * J;
      eachv<2>(0, width, [&](int64_t c, [[maybe_unused]] int64_t w) {
        const f32v x_ = at(x_at + begin + c, w);
        const auto gt_1 = x_ > 0.5f;
        const f32v sum = gt_1 ? splatv(1.0f) : splatv(0.0f);
        storev(sum_1 + c, loadv(sum_1 + c) + sum);
      });
    }
    for (int64_t c = 0; c < width; ++c) sum_1_total[c] += sum_1[c];
  }
  for (int64_t c = 0; c < width; ++c) sum_1[c] = (float)sum_1_total[c];
  eachv<2>(0, width, [&](int64_t c, [[maybe_unused]] int64_t w) {
    put_positions(out_to + (begin + c) * 1, 1, __builtin_convertvector(loadv(sum_1 + c), i32v), w);
  });
}

// i < x.shape[1], j < min(10, x.shape[0]), k < z.shape[0]
extern "C" void cdist_kernel(int64_t K, int64_t I, const float* __restrict__ x_from, const float* __restrict__ z_from, int64_t z_stride_k, float* __restrict__ out_to, int64_t block, int64_t row) {
  const int64_t begin = block * BLOCK2, width = least(BLOCK2, K - begin);
  const int64_t j = row;
  float cdist_2[BLOCK2];
  double cdist_2_total[BLOCK2] = {};
  for (int64_t first = 0; first < I; first += 64) {
    for (int64_t c = 0; c < BLOCK2; ++c) cdist_2[c] = 0;
    for (int64_t step = first; step < least(first + 64, I); ++step) {
      const int64_t i = step;
      const float x_ = x_from[i + j * I];
      const float* z_at = z_from + i;
      eachv<2>(0, width, [&](int64_t c, [[maybe_unused]] int64_t w) {
        const f32v z_ = gather(z_at + (begin + c) * z_stride_k, z_stride_k, w);
        const f32v cdist = x_ - z_;
        const f32v cdist_1 = cdist * cdist;
        storev(cdist_2 + c, loadv(cdist_2 + c) + cdist_1);
      });
    }
    for (int64_t c = 0; c < width; ++c) cdist_2_total[c] += cdist_2[c];
  }
  for (int64_t c = 0; c < width; ++c) cdist_2[c] = (float)cdist_2_total[c];
  float* out_at_columns = out_to + j * K;
  eachv<2>(0, width, [&](int64_t c, [[maybe_unused]] int64_t w) {
    const f32v cdist_3 = sqrtv(loadv(cdist_2 + c));
    put(out_at_columns + begin + c, cdist_3, w);
  });
}
