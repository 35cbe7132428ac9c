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
// The first w of 16 elements from p on (w is 16 but at the end of a loop); memory behind them is not touched.
static inline f32x16 at(const float* p, int64_t w) { return w >= 16 ? load16(p) : load16(p, w, 0.0f); }
static inline void put(float* p, f32x16 v, int64_t w) { if (w >= 16) store16(p, v); else store16(p, v, w); }
// f(i, w) for 16 elements at a time: i from begin to end, of which w count.
template <int unroll, class F> static inline void each16(int64_t begin, int64_t end, F f) {
  int64_t i = begin;
  for (; i + 16 * unroll <= end; i += 16 * unroll)
#pragma GCC unroll 16
    for (int u = 0; u < unroll; ++u) f(i + 16 * u, 16);
  for (; i + 16 <= end; i += 16) f(i, 16);
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
    each16<4>(begin, end, [&](int64_t k, int64_t w) {
      const f32x16 table_picked = at(table_picked_at + k, w);
      const f32x16 scaled_1 = table_picked * 4.0f;
      const f32x16 place = at(place_at + k, w);
      const f32x16 sum = scaled_1 + place;
      put(out_at + k, sum, w);
    });
  }
}
