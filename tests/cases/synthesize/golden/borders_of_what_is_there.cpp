/* /// kerf
version = 1
supports = "x.ndim == 4 and x.shape[0] == 2 and x.shape[1] == 3 and x.shape[2] == 20 and x.shape[3] == 40"
[tune]
BLOCK = [1024]
[[step]]
launch = "mul_kernel"
grid = ["cdiv(x.shape[3] + 5, BLOCK)", "cdiv(x.shape[0] * x.shape[1] * (x.shape[2] + 2), max(1, BLOCK // (x.shape[3] + 5)))"]
args = ["x.shape[3] + 5", "max(1, BLOCK // (x.shape[3] + 5))", "x.shape[0] * x.shape[1]", "x.shape[2] + 2", "f32(x.shape[2] - 1)", "x", "x.shape[2] * x.shape[3]", "x.shape[3]", "out", "f32(x.shape[3] - 1)"]
/// */

static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
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

// i < x.shape[0] * x.shape[1], j < x.shape[2] + 2, k < x.shape[3] + 5
extern "C" void mul_kernel(int64_t K, int64_t rows, int64_t I, int64_t J, float pad_count_1_value, const float* __restrict__ x_picked_from, int64_t x_picked_stride_i, int64_t x_picked_stride_pick1, float* __restrict__ out_to, float pad_count_value, int64_t block, int64_t group) {
  const int64_t begin = block * BLOCK, end = least(begin + BLOCK, K);
  for (int64_t row = group * rows; row < least((group + 1) * rows, I * J); ++row) {
    const int64_t i = row / J;
    const int64_t j = row % J;
    const float o_index_1 = (float)j;
    const float pad_7 = o_index_1 - 1.0f;
    const float pad_8 = abs1(pad_7);
    const float pad_9 = pad_count_1_value - pad_8;
    const float pad_10 = abs1(pad_9);
    const float pad_11 = pad_count_1_value - pad_10;
    const float* x_picked_at = x_picked_from + i * x_picked_stride_i + (int64_t)pad_11 * x_picked_stride_pick1;
    float* out_at = out_to + i * J * K + j * K;
    eachv<4>(begin, end, [&](int64_t k, int64_t w) {
      const f32v o_index = __builtin_convertvector(iotav((int32_t)(k)), f32v);
      const f32v pad_1 = o_index - 2.0f;
      const f32v pad_2 = absv(pad_1);
      const f32v pad_3 = pad_count_value - pad_2;
      const f32v pad_4 = absv(pad_3);
      const f32v pad_5 = pad_count_value - pad_4;
      const f32v x_picked = looked_up(x_picked_at, pad_5, w);
      const f32v relu_picked = x_picked < 0.0f ? splatv(0.0f) : x_picked;
      const f32v mul_1 = relu_picked * 0.5f;
      put(out_at + k, mul_1, w);
    });
  }
}
