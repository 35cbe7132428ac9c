/* /// kerf
version = 1
supports = "x.ndim == 2 and x.shape[0] == 300 and x.shape[1] == 64 and graphs.ndim == 1 and graphs.shape[0] == 300 and chosen.ndim == 2 and chosen.shape[0] == 300 and chosen.shape[1] == 2 and weights.ndim == 2 and weights.shape[0] == 300 and weights.shape[1] == 2"
[tune]
BLOCK1 = [256]
BLOCK2 = [2048]
[[step]]
launch = "index_add_kernel"
grid = ["cdiv(64, BLOCK1)", 12]
args = [64, "x.shape[0]", "graphs", "x", "out0"]
[[step]]
launch = "scatter_kernel"
grid = ["cdiv(x.shape[1], BLOCK2)", "cdiv(x.shape[0], max(1, BLOCK2 // (x.shape[1])))"]
args = ["x.shape[1]", "max(1, BLOCK2 // (x.shape[1]))", "x.shape[0]", "weights", "weights.shape[1]", "chosen", "chosen.shape[1]", "out1"]
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

// i < x.shape[0], j < 12, k < 64
extern "C" void index_add_kernel(int64_t K, int64_t I, const int64_t* __restrict__ graphs_from, const float* __restrict__ x_from, float* __restrict__ out_to, int64_t block, int64_t row) {
  const int64_t begin = block * BLOCK1, width = least(BLOCK1, K - begin);
  const int64_t j = row;
  const float e_index = (float)j;
  float index_add_3[BLOCK1];
  double index_add_3_total[BLOCK1] = {};
  for (int64_t first = 0; first < I; first += 64) {
    for (int64_t c = 0; c < BLOCK1; ++c) index_add_3[c] = 0;
    for (int64_t step = first; step < least(first + 64, I); ++step) {
      const int64_t i = step;
      const int64_t graphs = graphs_from[i];
      const float index_add = (float)graphs;
      const bool index_add_1 = index_add == e_index;
      if (!index_add_1) continue;
      const float* x_at = x_from + i * K;
      eachv<2>(0, width, [&](int64_t c, [[maybe_unused]] int64_t w) {
        const f32v x_ = at(x_at + begin + c, w);
        const f32v relu = x_ < 0.0f ? splatv(0.0f) : x_;
        const f32v index_add_2 = index_add_1 ? relu : splatv(0.0f);
        storev(index_add_3 + c, loadv(index_add_3 + c) + index_add_2);
      });
    }
    for (int64_t c = 0; c < width; ++c) index_add_3_total[c] += index_add_3[c];
  }
  for (int64_t c = 0; c < width; ++c) index_add_3[c] = (float)index_add_3_total[c];
  float* out_at_columns = out_to + j * K;
  eachv<2>(0, width, [&](int64_t c, [[maybe_unused]] int64_t w) {
    const f32v index_add_4 = 0.0f + loadv(index_add_3 + c);
    put(out_at_columns + begin + c, index_add_4, w);
  });
}

// i < x.shape[0], j < x.shape[1]
extern "C" void scatter_kernel(int64_t J, int64_t rows, int64_t I, const float* __restrict__ weights_from, int64_t weights_stride_i, const int64_t* __restrict__ chosen_from, int64_t chosen_stride_i, float* __restrict__ out_to, int64_t block, int64_t group) {
  const int64_t begin = block * BLOCK2, end = least(begin + BLOCK2, J);
  for (int64_t row = group * rows; row < least((group + 1) * rows, I); ++row) {
    const int64_t i = row;
    const float weights = weights_from[i * weights_stride_i];
    const int64_t chosen = chosen_from[i * chosen_stride_i];
    const float scatter_ = (float)chosen;
    const float weights_1 = weights_from[i * weights_stride_i + 1];
    const int64_t chosen_1 = chosen_from[i * chosen_stride_i + 1];
    const float scatter_3 = (float)chosen_1;
    float* out_at = out_to + i * J;
    eachv<1>(begin, end, [&](int64_t j, int64_t w) {
      const f32v j_index = __builtin_convertvector(iotav((int32_t)(j)), f32v);
      const auto scatter_1 = scatter_ == j_index;
      const f32v scatter_2 = scatter_1 ? splatv(weights) : splatv(0.0f);
      const auto scatter_4 = scatter_3 == j_index;
      const f32v scatter_5 = scatter_4 ? splatv(weights_1) : scatter_2;
      put(out_at + j, scatter_5, w);
    });
  }
}
