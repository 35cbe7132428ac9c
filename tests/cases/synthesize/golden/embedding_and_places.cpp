/* /// kerf
version = 1
supports = "tokens.ndim == 2 and tokens.shape[0] == 4 and tokens.shape[1] == 10"
[tune]
BLOCK = [1024]
[[step]]
launch = "sum_kernel"
grid = ["cdiv(table.shape[1], BLOCK)", "cdiv(tokens.shape[0] * tokens.shape[1], max(1, BLOCK // (table.shape[1])))"]
args = ["table.shape[1]", "max(1, BLOCK // (table.shape[1]))", "tokens.shape[0]", "tokens.shape[1]", "tokens", "table", "table.shape[1]", "place", "out"]
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

// i < tokens.shape[0], j < tokens.shape[1], k < table.shape[1]
extern "C" void sum_kernel(int64_t K, int64_t rows, int64_t I, int64_t J, const int64_t* __restrict__ tokens_from, const float* __restrict__ table_picked_from, int64_t table_picked_stride_pick, const float* __restrict__ place_from, float* __restrict__ out_to, int64_t block, int64_t group) {
  const int64_t begin = block * BLOCK, end = least(begin + BLOCK, K);
  for (int64_t row = group * rows; row < least((group + 1) * rows, I * J); ++row) {
    const int64_t i = row / J;
    const int64_t j = row % J;
    const int64_t tokens = tokens_from[i * J + j];
    const float* table_picked_at = table_picked_from + tokens * table_picked_stride_pick;
    const float* place_at = place_from + j * K;
    float* out_at = out_to + i * J * K + j * K;
    eachv<4>(begin, end, [&](int64_t k, int64_t w) {
      const f32v table_picked = at(table_picked_at + k, w);
      const f32v scaled_1 = table_picked * 4.0f;
      const f32v place = at(place_at + k, w);
      const f32v sum = scaled_1 + place;
      put(out_at + k, sum, w);
    });
  }
}
