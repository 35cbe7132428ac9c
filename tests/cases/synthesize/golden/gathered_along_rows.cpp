/* /// kerf
version = 1
supports = "x.ndim == 2 and x.shape[0] == 64 and x.shape[1] == 300 and i.ndim == 2 and i.shape[0] == 64 and i.shape[1] == 300 and rows.ndim == 1 and rows.shape[0] == 40 and columns.ndim == 1 and columns.shape[0] == 40"
[tune]
BLOCK1 = [2048]
BLOCK2 = [1024]
[[step]]
launch = "add_kernel"
grid = ["cdiv(x.shape[1], BLOCK1)", "cdiv(x.shape[0], max(1, BLOCK1 // (x.shape[1])))"]
args = ["x.shape[1]", "max(1, BLOCK1 // (x.shape[1]))", "x.shape[0]", "x", "i", "x", "x.shape[1]", "out0"]
[[step]]
launch = "exp_kernel"
grid = ["cdiv(rows.shape[0], BLOCK2)"]
args = ["rows.shape[0]", "rows", "columns", "x", "out1", "f32(x.shape[0])", "f32(x.shape[1])", "x.shape[1]"]
/// */

static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
// The first w elements from p on (w is vlen but at the end of a loop); memory behind them is not touched.
static inline f32v at(const float* p, int64_t w) { return w >= vlen ? loadv(p) : loadv(p, w, 0.0f); }
static inline void put(float* p, f32v v, int64_t w) { if (w >= vlen) storev(p, v); else storev(p, v, w); }
// Integers as floats: exact below 2^24, and never equal to a smaller one above.
static inline f32v whole(const int64_t* p, int64_t stride, int64_t w) {
  f32v v = {};
  for (int64_t l = 0; l < w; ++l) v[l] = (float)p[l * stride];
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
// p[index] for each lane, one by one where the indices are no neighbours.
static inline f32v looked_up(const float* p, f32v index, int64_t w) {
  const i32v at = __builtin_convertvector(index, i32v), apart = at - iotav(at[0]);
  int32_t far = 0;
  for (int l = 0; l < vlen; ++l) far |= apart[l];
  if (w >= vlen && far == 0) return loadv(p + at[0]);
  f32v v = {};
  for (int64_t l = 0; l < w; ++l) v[l] = p[at[l]];
  return v;
}
template <class F> static inline f32v each_lane(int64_t w, F address) {
  f32v v = {};
  for (int64_t l = 0; l < w; ++l) v[l] = (float)*address(l);
  return v;
}

// i < x.shape[0], j < x.shape[1]
extern "C" void add_kernel(int64_t J, int64_t rows, int64_t I, const float* __restrict__ x_from, const int64_t* __restrict__ i_from, const float* __restrict__ x_picked_from, int64_t x_picked_stride_i, float* __restrict__ out_to, int64_t block, int64_t group) {
  const int64_t begin = block * BLOCK1, end = least(begin + BLOCK1, J);
  for (int64_t row = group * rows; row < least((group + 1) * rows, I); ++row) {
    const int64_t i = row;
    const float* x_at = x_from + i * J;
    const int64_t* i_at = i_from + i * J;
    const float* x_picked_at = x_picked_from + i * x_picked_stride_i;
    float* out_at = out_to + i * J;
    eachv<4>(begin, end, [&](int64_t j, int64_t w) {
      const f32v x_ = at(x_at + j, w);
      const f32v i_ = whole(i_at + j, 1, w);
      const f32v x_picked = looked_up(x_picked_at, i_, w);
      const f32v add = x_picked + x_;
      put(out_at + j, add, w);
    });
  }
}

// i < rows.shape[0]
extern "C" void exp_kernel(int64_t I, const int64_t* __restrict__ rows_from, const int64_t* __restrict__ columns_from, const float* __restrict__ x_picked_from, float* __restrict__ out_to, float index_count_value, float index_count_1_value, int64_t x_picked_stride_pick1, int64_t block) {
  const int64_t begin = block * BLOCK2, end = least(begin + BLOCK2, I);
  eachv<4>(begin, end, [&](int64_t i, int64_t w) {
    const f32v rows_ = whole(rows_from + i, 1, w);
    const f32v index = rows_;
    const f32v index_1 = index + index_count_value;
    const auto index_3 = index < 0.0f;
    const f32v index_4 = index_3 ? index_1 : index;
    const f32v columns = whole(columns_from + i, 1, w);
    const f32v index_5 = columns;
    const f32v index_6 = index_5 + index_count_1_value;
    const auto index_7 = index_5 < 0.0f;
    const f32v index_8 = index_7 ? index_6 : index_5;
    const f32v x_picked = each_lane(w, [&](int64_t nth) { return x_picked_from + (int64_t)index_8[nth] + (int64_t)index_4[nth] * x_picked_stride_pick1; });
    const f32v exp = expv(x_picked);
    put(out_to + i, exp, w);
  });
}
