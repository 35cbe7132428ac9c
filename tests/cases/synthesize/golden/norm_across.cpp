/* /// kerf
version = 1
supports = "x.ndim == 4 and x.shape[0] == 2 and x.shape[1] == 48 and x.shape[2] == 20 and x.shape[3] == 24"
[tune]
BLOCK = [256]
[[step]]
launch = "norm_kernel"
grid = ["cdiv(x.shape[2] * x.shape[3], BLOCK)", "x.shape[0]"]
args = ["x.shape[2] * x.shape[3]", "x.shape[1]", "x", "f32(x.shape[1])", "weight", "bias", "x.shape[1]", "out"]
/// */

static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
// The first w elements from p on (w is vlen but at the end of a loop); memory behind them is not touched.
static inline f32v at(const float* p, int64_t w) { return w >= vlen ? loadv(p) : loadv(p, w, 0.0f); }
// Swaps the blocks of D elements beside the diagonal of two rows that are D apart.
template <int D>
static inline void swap_blocks(f32v& upper, f32v& lower) {
  const f32v a = upper, b = lower;
  upper = shuffle(a, b, [](int l) { return l & D ? vlen + l - D : l; });
  lower = shuffle(a, b, [](int l) { return l & D ? vlen + l : l + D; });
}
template <int D>
static inline void swap_all_blocks(f32v* v) {
#pragma GCC unroll 16
  for (int l = 0; l < vlen; ++l) if (!(l & D)) swap_blocks<D>(v[l], v[l + D]);
  if constexpr (D > 1) swap_all_blocks<D / 2>(v);
}
// to[j * pitch + i] = p[i * step + j * apart] for i < w and j < h, h at most 16: a line of the cache.
static inline void turn(float* to, int64_t pitch, const float* p, int64_t step, int64_t apart, int64_t w, int64_t h) {
  int64_t i = 0;
  if (h == 16 && apart == 1)
    for (; i + vlen <= w; i += vlen)
      for (int j = 0; j < 16; j += vlen) {
        f32v v[vlen];
#pragma GCC unroll 16
        for (int l = 0; l < vlen; ++l) v[l] = loadv(p + (i + l) * step + j);
        swap_all_blocks<vlen / 2>(v);
#pragma GCC unroll 16
        for (int l = 0; l < vlen; ++l) storev(to + (j + l) * pitch + i, v[l]);
      }
  for (; i < w; ++i)
    for (int64_t j = 0; j < h; ++j) to[j * pitch + i] = p[i * step + j * apart];
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

// i < x.shape[0], j < x.shape[1], k < x.shape[2] * x.shape[3]
extern "C" void norm_kernel(int64_t K, int64_t J, const float* __restrict__ x_from, float norm_count_value, const float* __restrict__ weight_from, const float* __restrict__ bias_from, int64_t out_stride_k, float* __restrict__ out_to, int64_t block, int64_t row) {
  const int64_t begin = block * BLOCK, width = least(BLOCK, K - begin);
  const int64_t i = row;
  float norm_1[BLOCK];
  double norm_1_total[BLOCK] = {};
  for (int64_t first = 0; first < J; first += 64) {
    for (int64_t c = 0; c < BLOCK; ++c) norm_1[c] = 0;
    for (int64_t step = first; step < least(first + 64, J); ++step) {
      const int64_t j = step;
      const float* x_at = x_from + i * J * K + j * K;
      eachv<2>(0, width, [&](int64_t c, [[maybe_unused]] int64_t w) {
        const f32v x_ = at(x_at + begin + c, w);
        storev(norm_1 + c, loadv(norm_1 + c) + x_);
      });
    }
    for (int64_t c = 0; c < width; ++c) norm_1_total[c] += norm_1[c];
  }
  for (int64_t c = 0; c < width; ++c) norm_1[c] = (float)norm_1_total[c];
  float norm_2[BLOCK];
  eachv<2>(0, width, [&](int64_t c, [[maybe_unused]] int64_t w) {
    const f32v norm_2_lanes = loadv(norm_1 + c) / norm_count_value;
    storev(norm_2 + c, norm_2_lanes);
  });
  float norm_5[BLOCK];
  double norm_5_total[BLOCK] = {};
  for (int64_t first = 0; first < J; first += 64) {
    for (int64_t c = 0; c < BLOCK; ++c) norm_5[c] = 0;
    for (int64_t step = first; step < least(first + 64, J); ++step) {
      const int64_t j = step;
      const float* x_at = x_from + i * J * K + j * K;
      eachv<2>(0, width, [&](int64_t c, [[maybe_unused]] int64_t w) {
        const f32v x_ = at(x_at + begin + c, w);
        const f32v norm_3 = x_ - loadv(norm_2 + c);
        const f32v norm_4 = norm_3 * norm_3;
        storev(norm_5 + c, loadv(norm_5 + c) + norm_4);
      });
    }
    for (int64_t c = 0; c < width; ++c) norm_5_total[c] += norm_5[c];
  }
  for (int64_t c = 0; c < width; ++c) norm_5[c] = (float)norm_5_total[c];
  float norm_8[BLOCK];
  eachv<2>(0, width, [&](int64_t c, [[maybe_unused]] int64_t w) {
    const f32v norm_6 = loadv(norm_5 + c) / norm_count_value;
    const f32v norm_7 = norm_6 + 1e-05f;
    const f32v norm_8_lanes = 1.0f / sqrtv(norm_7);
    storev(norm_8 + c, norm_8_lanes);
  });
  float out_turned[16 * BLOCK];
  for (int64_t first = 0; first < J; first += 16) {
    const int64_t height = least(16, J - first);
    for (int64_t j = first; j < first + height; ++j) {
      const float weight = weight_from[j];
      const float bias = bias_from[j];
      const float* x_at = x_from + i * J * K + j * K;
      eachv<2>(0, width, [&](int64_t c, [[maybe_unused]] int64_t w) {
        const f32v x_ = at(x_at + begin + c, w);
        const f32v norm_3 = x_ - loadv(norm_2 + c);
        const f32v norm_9 = norm_3 * loadv(norm_8 + c);
        const f32v norm_10 = norm_9 * weight;
        const f32v norm_11 = norm_10 + bias;
        storev(out_turned + (j - first) * BLOCK + c, norm_11);
      });
    }
    for (int64_t c = 0; c < width; c += 16) {
      turn(out_to + i * J * K + first + (begin + c) * out_stride_k, out_stride_k, out_turned + c, BLOCK, 1, height, least(16, width - c));
    }
  }
}
