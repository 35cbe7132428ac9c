/* /// kerf
version = 1
supports = "x.ndim == 4 and x.shape[0] == 2 and x.shape[1] == 8 and x.shape[2] == 10 and x.shape[3] == 12"
[tune]
BLOCK1 = [1024]
BLOCK2 = [1024]
[[scratch]]
name = "relu"
dtype = "f32"
shape = ["x.shape[0]", "x.shape[1]", 15, 21]
[[step]]
launch = "relu_kernel"
grid = ["cdiv(21, BLOCK1)", "cdiv(x.shape[0] * x.shape[1] * 15, max(1, BLOCK1 // (21)))"]
args = [21, "max(1, BLOCK1 // (21))", "x.shape[0] * x.shape[1]", 15, "f32(x.shape[2] - 1)", "f32(x.shape[3] - 1)", "x", "x.shape[2] * x.shape[3]", "x.shape[3]", "x", "x.shape[2] * x.shape[3]", "x.shape[3]", "x", "x.shape[2] * x.shape[3]", "x.shape[3]", "x", "x.shape[2] * x.shape[3]", "x.shape[3]", "relu"]
[[step]]
launch = "pooled_kernel"
grid = ["cdiv(5, BLOCK2)", "cdiv(relu.shape[0] * relu.shape[1] * 4, max(1, BLOCK2 // (5)))"]
args = [5, "max(1, BLOCK2 // (5))", "relu.shape[0] * relu.shape[1]", 4, "f32(relu.shape[2])", "f32(relu.shape[2] - 1)", "relu", "relu.shape[2] * relu.shape[3]", "relu.shape[3]", "relu", "relu.shape[2] * relu.shape[3]", "relu.shape[3]", "relu", "relu.shape[2] * relu.shape[3]", "relu.shape[3]", "relu", "relu.shape[2] * relu.shape[3]", "relu.shape[3]", "relu", "relu.shape[2] * relu.shape[3]", "relu.shape[3]", "relu", "relu.shape[2] * relu.shape[3]", "relu.shape[3]", "relu", "relu.shape[2] * relu.shape[3]", "relu.shape[3]", "relu", "relu.shape[2] * relu.shape[3]", "relu.shape[3]", "relu", "relu.shape[2] * relu.shape[3]", "relu.shape[3]", "relu", "relu.shape[2] * relu.shape[3]", "relu.shape[3]", "relu", "relu.shape[2] * relu.shape[3]", "relu.shape[3]", "relu", "relu.shape[2] * relu.shape[3]", "relu.shape[3]", "relu", "relu.shape[2] * relu.shape[3]", "relu.shape[3]", "relu", "relu.shape[2] * relu.shape[3]", "relu.shape[3]", "relu", "relu.shape[2] * relu.shape[3]", "relu.shape[3]", "relu", "relu.shape[2] * relu.shape[3]", "relu.shape[3]", "relu", "relu.shape[2] * relu.shape[3]", "relu.shape[3]", "relu", "relu.shape[2] * relu.shape[3]", "relu.shape[3]", "relu", "relu.shape[2] * relu.shape[3]", "relu.shape[3]", "relu", "relu.shape[2] * relu.shape[3]", "relu.shape[3]", "relu", "relu.shape[2] * relu.shape[3]", "relu.shape[3]", "relu", "relu.shape[2] * relu.shape[3]", "relu.shape[3]", "relu", "relu.shape[2] * relu.shape[3]", "relu.shape[3]", "relu", "relu.shape[2] * relu.shape[3]", "relu.shape[3]", "relu", "relu.shape[2] * relu.shape[3]", "relu.shape[3]", "relu", "relu.shape[2] * relu.shape[3]", "relu.shape[3]", "relu", "relu.shape[2] * relu.shape[3]", "relu.shape[3]", "relu", "relu.shape[2] * relu.shape[3]", "relu.shape[3]", "relu", "relu.shape[2] * relu.shape[3]", "relu.shape[3]", "relu", "relu.shape[2] * relu.shape[3]", "relu.shape[3]", "out", "f32(relu.shape[3])", "f32(relu.shape[3] - 1)"]
/// */

static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
static inline void put(float* p, f32v v, int64_t w) { if (w >= vlen) storev(p, v); else storev(p, v, w); }
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
template <class F> static inline f32v map(f32v v, F f) {
  for (int l = 0; l < vlen; ++l) v[l] = f(v[l]);
  return v;
}

// i < x.shape[0] * x.shape[1], j < 15, k < 21
extern "C" void relu_kernel(int64_t K, int64_t rows, int64_t I, int64_t J, float grown_count_value, float grown_count_1_value, const float* __restrict__ x_picked_from, int64_t x_picked_stride_i, int64_t x_picked_stride_pick1, const float* __restrict__ x_picked_1_from, int64_t x_picked_1_stride_i, int64_t x_picked_1_stride_pick1, const float* __restrict__ x_picked_2_from, int64_t x_picked_2_stride_i, int64_t x_picked_2_stride_pick1, const float* __restrict__ x_picked_3_from, int64_t x_picked_3_stride_i, int64_t x_picked_3_stride_pick1, float* __restrict__ out_to, int64_t block, int64_t group) {
  const int64_t begin = block * BLOCK1, end = least(begin + BLOCK1, K);
  for (int64_t row = group * rows; row < least((group + 1) * rows, I * J); ++row) {
    const int64_t i = row / J;
    const int64_t j = row % J;
    const float o_index = (float)j;
    const float grown_1 = grown_count_value / 14.0f;
    const float grown_2 = o_index * grown_1;
    const float grown_3 = __builtin_floorf(grown_2);
    const float grown_4 = smaller(grown_3, grown_count_value);
    const float grown_6 = grown_4 + 1.0f;
    const float grown_7 = smaller(grown_6, grown_count_value);
    const float grown_8 = grown_2 - grown_4;
    const float grown_9 = smaller(grown_8, 1.0f);
    const float grown_10 = 1.0f - grown_9;
    const float grown_12 = grown_count_1_value / 20.0f;
    const float* x_picked_at = x_picked_from + i * x_picked_stride_i + (int64_t)grown_4 * x_picked_stride_pick1;
    const float* x_picked_1_at = x_picked_1_from + i * x_picked_1_stride_i + (int64_t)grown_7 * x_picked_1_stride_pick1;
    const float* x_picked_2_at = x_picked_2_from + i * x_picked_2_stride_i + (int64_t)grown_4 * x_picked_2_stride_pick1;
    const float* x_picked_3_at = x_picked_3_from + i * x_picked_3_stride_i + (int64_t)grown_7 * x_picked_3_stride_pick1;
    float* out_at = out_to + i * J * K + j * K;
    eachv<4>(begin, end, [&](int64_t k, int64_t w) {
      const f32v o_index_1 = __builtin_convertvector(iotav((int32_t)(k)), f32v);
      const f32v grown_13 = o_index_1 * grown_12;
      const f32v grown_14 = map(grown_13, [](float a) { return __builtin_floorf(a); });
      const f32v grown_15 = smaller(grown_14, splatv(grown_count_1_value));
      const f32v grown_16 = grown_15 + 1.0f;
      const f32v grown_17 = smaller(grown_16, splatv(grown_count_1_value));
      const f32v grown_18 = grown_13 - grown_15;
      const f32v grown_19 = smaller(grown_18, splatv(1.0f));
      const f32v x_picked = looked_up(x_picked_at, grown_17, w);
      const f32v grown_picked = grown_10 * x_picked;
      const f32v x_picked_1 = looked_up(x_picked_1_at, grown_17, w);
      const f32v grown_picked_1 = grown_9 * x_picked_1;
      const f32v grown_picked_2 = grown_picked + grown_picked_1;
      const f32v grown_20 = grown_19 * grown_picked_2;
      const f32v x_picked_2 = looked_up(x_picked_2_at, grown_15, w);
      const f32v grown_picked_3 = grown_10 * x_picked_2;
      const f32v x_picked_3 = looked_up(x_picked_3_at, grown_15, w);
      const f32v grown_picked_4 = grown_9 * x_picked_3;
      const f32v grown_picked_5 = grown_picked_3 + grown_picked_4;
      const f32v grown_21 = 1.0f - grown_19;
      const f32v grown_22 = grown_21 * grown_picked_5;
      const f32v grown_23 = grown_22 + grown_20;
      const f32v relu = grown_23 < 0.0f ? splatv(0.0f) : grown_23;
      put(out_at + k, relu, w);
    });
  }
}

// i < relu.shape[0] * relu.shape[1], j < 4, k < 5
extern "C" void pooled_kernel(int64_t K, int64_t rows, int64_t I, int64_t J, float pooled_count_value, float pooled_count_1_value, const float* __restrict__ relu_picked_from, int64_t relu_picked_stride_i, int64_t relu_picked_stride_pick1, const float* __restrict__ relu_picked_1_from, int64_t relu_picked_1_stride_i, int64_t relu_picked_1_stride_pick1, const float* __restrict__ relu_picked_2_from, int64_t relu_picked_2_stride_i, int64_t relu_picked_2_stride_pick1, const float* __restrict__ relu_picked_3_from, int64_t relu_picked_3_stride_i, int64_t relu_picked_3_stride_pick1, const float* __restrict__ relu_picked_4_from, int64_t relu_picked_4_stride_i, int64_t relu_picked_4_stride_pick1, const float* __restrict__ relu_picked_5_from, int64_t relu_picked_5_stride_i, int64_t relu_picked_5_stride_pick1, const float* __restrict__ relu_picked_6_from, int64_t relu_picked_6_stride_i, int64_t relu_picked_6_stride_pick1, const float* __restrict__ relu_picked_7_from, int64_t relu_picked_7_stride_i, int64_t relu_picked_7_stride_pick1, const float* __restrict__ relu_picked_8_from, int64_t relu_picked_8_stride_i, int64_t relu_picked_8_stride_pick1, const float* __restrict__ relu_picked_9_from, int64_t relu_picked_9_stride_i, int64_t relu_picked_9_stride_pick1, const float* __restrict__ relu_picked_10_from, int64_t relu_picked_10_stride_i, int64_t relu_picked_10_stride_pick1, const float* __restrict__ relu_picked_11_from, int64_t relu_picked_11_stride_i, int64_t relu_picked_11_stride_pick1, const float* __restrict__ relu_picked_12_from, int64_t relu_picked_12_stride_i, int64_t relu_picked_12_stride_pick1, const float* __restrict__ relu_picked_13_from, int64_t relu_picked_13_stride_i, int64_t relu_picked_13_stride_pick1, const float* __restrict__ relu_picked_14_from, int64_t relu_picked_14_stride_i, int64_t relu_picked_14_stride_pick1, const float* __restrict__ relu_picked_15_from, int64_t relu_picked_15_stride_i, int64_t relu_picked_15_stride_pick1, const float* __restrict__ relu_picked_16_from, int64_t relu_picked_16_stride_i, int64_t relu_picked_16_stride_pick1, const float* __restrict__ relu_picked_17_from, int64_t relu_picked_17_stride_i, int64_t relu_picked_17_stride_pick1, const float* __restrict__ relu_picked_18_from, int64_t relu_picked_18_stride_i, int64_t relu_picked_18_stride_pick1, const float* __restrict__ relu_picked_19_from, int64_t relu_picked_19_stride_i, int64_t relu_picked_19_stride_pick1, const float* __restrict__ relu_picked_20_from, int64_t relu_picked_20_stride_i, int64_t relu_picked_20_stride_pick1, const float* __restrict__ relu_picked_21_from, int64_t relu_picked_21_stride_i, int64_t relu_picked_21_stride_pick1, const float* __restrict__ relu_picked_22_from, int64_t relu_picked_22_stride_i, int64_t relu_picked_22_stride_pick1, const float* __restrict__ relu_picked_23_from, int64_t relu_picked_23_stride_i, int64_t relu_picked_23_stride_pick1, const float* __restrict__ relu_picked_24_from, int64_t relu_picked_24_stride_i, int64_t relu_picked_24_stride_pick1, const float* __restrict__ relu_picked_25_from, int64_t relu_picked_25_stride_i, int64_t relu_picked_25_stride_pick1, const float* __restrict__ relu_picked_26_from, int64_t relu_picked_26_stride_i, int64_t relu_picked_26_stride_pick1, const float* __restrict__ relu_picked_27_from, int64_t relu_picked_27_stride_i, int64_t relu_picked_27_stride_pick1, const float* __restrict__ relu_picked_28_from, int64_t relu_picked_28_stride_i, int64_t relu_picked_28_stride_pick1, const float* __restrict__ relu_picked_29_from, int64_t relu_picked_29_stride_i, int64_t relu_picked_29_stride_pick1, float* __restrict__ out_to, float pooled_count_2_value, float pooled_count_3_value, int64_t block, int64_t group) {
  const int64_t begin = block * BLOCK2, end = least(begin + BLOCK2, K);
  for (int64_t row = group * rows; row < least((group + 1) * rows, I * J); ++row) {
    const int64_t i = row / J;
    const int64_t j = row % J;
    const float o_index = (float)j;
    const float pooled_1 = o_index * pooled_count_value;
    const float pooled_3 = pooled_1 + 0.5f;
    const float pooled_4 = pooled_3 / 4.0f;
    const float pooled_5 = __builtin_floorf(pooled_4);
    const float pooled_8 = o_index + 1.0f;
    const float pooled_9 = pooled_8 * pooled_count_value;
    const float pooled_10 = pooled_9 + 3.0f;
    const float pooled_11 = pooled_10 + 0.5f;
    const float pooled_12 = pooled_11 / 4.0f;
    const float pooled_13 = __builtin_floorf(pooled_12);
    const float pooled_15 = pooled_5 + 0.0f;
    const float pooled_16 = smaller(pooled_15, pooled_count_1_value);
    const bool pooled_17 = pooled_15 < pooled_13;
    const float pooled_18 = pooled_5 + 1.0f;
    const float pooled_19 = smaller(pooled_18, pooled_count_1_value);
    const bool pooled_20 = pooled_18 < pooled_13;
    const float pooled_22 = pooled_5 + 2.0f;
    const float pooled_23 = smaller(pooled_22, pooled_count_1_value);
    const bool pooled_24 = pooled_22 < pooled_13;
    const float pooled_25 = pooled_5 + 3.0f;
    const float pooled_26 = smaller(pooled_25, pooled_count_1_value);
    const bool pooled_27 = pooled_25 < pooled_13;
    const float pooled_28 = pooled_5 + 4.0f;
    const float pooled_29 = smaller(pooled_28, pooled_count_1_value);
    const bool pooled_30 = pooled_28 < pooled_13;
    const float pooled_31 = pooled_13 - pooled_5;
    const float* relu_picked_at = relu_picked_from + i * relu_picked_stride_i + (int64_t)pooled_16 * relu_picked_stride_pick1;
    const float* relu_picked_1_at = relu_picked_1_from + i * relu_picked_1_stride_i + (int64_t)pooled_19 * relu_picked_1_stride_pick1;
    const float* relu_picked_2_at = relu_picked_2_from + i * relu_picked_2_stride_i + (int64_t)pooled_23 * relu_picked_2_stride_pick1;
    const float* relu_picked_3_at = relu_picked_3_from + i * relu_picked_3_stride_i + (int64_t)pooled_26 * relu_picked_3_stride_pick1;
    const float* relu_picked_4_at = relu_picked_4_from + i * relu_picked_4_stride_i + (int64_t)pooled_29 * relu_picked_4_stride_pick1;
    const float* relu_picked_5_at = relu_picked_5_from + i * relu_picked_5_stride_i + (int64_t)pooled_16 * relu_picked_5_stride_pick1;
    const float* relu_picked_6_at = relu_picked_6_from + i * relu_picked_6_stride_i + (int64_t)pooled_19 * relu_picked_6_stride_pick1;
    const float* relu_picked_7_at = relu_picked_7_from + i * relu_picked_7_stride_i + (int64_t)pooled_23 * relu_picked_7_stride_pick1;
    const float* relu_picked_8_at = relu_picked_8_from + i * relu_picked_8_stride_i + (int64_t)pooled_26 * relu_picked_8_stride_pick1;
    const float* relu_picked_9_at = relu_picked_9_from + i * relu_picked_9_stride_i + (int64_t)pooled_29 * relu_picked_9_stride_pick1;
    const float* relu_picked_10_at = relu_picked_10_from + i * relu_picked_10_stride_i + (int64_t)pooled_16 * relu_picked_10_stride_pick1;
    const float* relu_picked_11_at = relu_picked_11_from + i * relu_picked_11_stride_i + (int64_t)pooled_19 * relu_picked_11_stride_pick1;
    const float* relu_picked_12_at = relu_picked_12_from + i * relu_picked_12_stride_i + (int64_t)pooled_23 * relu_picked_12_stride_pick1;
    const float* relu_picked_13_at = relu_picked_13_from + i * relu_picked_13_stride_i + (int64_t)pooled_26 * relu_picked_13_stride_pick1;
    const float* relu_picked_14_at = relu_picked_14_from + i * relu_picked_14_stride_i + (int64_t)pooled_29 * relu_picked_14_stride_pick1;
    const float* relu_picked_15_at = relu_picked_15_from + i * relu_picked_15_stride_i + (int64_t)pooled_16 * relu_picked_15_stride_pick1;
    const float* relu_picked_16_at = relu_picked_16_from + i * relu_picked_16_stride_i + (int64_t)pooled_19 * relu_picked_16_stride_pick1;
    const float* relu_picked_17_at = relu_picked_17_from + i * relu_picked_17_stride_i + (int64_t)pooled_23 * relu_picked_17_stride_pick1;
    const float* relu_picked_18_at = relu_picked_18_from + i * relu_picked_18_stride_i + (int64_t)pooled_26 * relu_picked_18_stride_pick1;
    const float* relu_picked_19_at = relu_picked_19_from + i * relu_picked_19_stride_i + (int64_t)pooled_29 * relu_picked_19_stride_pick1;
    const float* relu_picked_20_at = relu_picked_20_from + i * relu_picked_20_stride_i + (int64_t)pooled_16 * relu_picked_20_stride_pick1;
    const float* relu_picked_21_at = relu_picked_21_from + i * relu_picked_21_stride_i + (int64_t)pooled_19 * relu_picked_21_stride_pick1;
    const float* relu_picked_22_at = relu_picked_22_from + i * relu_picked_22_stride_i + (int64_t)pooled_23 * relu_picked_22_stride_pick1;
    const float* relu_picked_23_at = relu_picked_23_from + i * relu_picked_23_stride_i + (int64_t)pooled_26 * relu_picked_23_stride_pick1;
    const float* relu_picked_24_at = relu_picked_24_from + i * relu_picked_24_stride_i + (int64_t)pooled_29 * relu_picked_24_stride_pick1;
    const float* relu_picked_25_at = relu_picked_25_from + i * relu_picked_25_stride_i + (int64_t)pooled_16 * relu_picked_25_stride_pick1;
    const float* relu_picked_26_at = relu_picked_26_from + i * relu_picked_26_stride_i + (int64_t)pooled_19 * relu_picked_26_stride_pick1;
    const float* relu_picked_27_at = relu_picked_27_from + i * relu_picked_27_stride_i + (int64_t)pooled_23 * relu_picked_27_stride_pick1;
    const float* relu_picked_28_at = relu_picked_28_from + i * relu_picked_28_stride_i + (int64_t)pooled_26 * relu_picked_28_stride_pick1;
    const float* relu_picked_29_at = relu_picked_29_from + i * relu_picked_29_stride_i + (int64_t)pooled_29 * relu_picked_29_stride_pick1;
    float* out_at = out_to + i * J * K + j * K;
    eachv<4>(begin, end, [&](int64_t k, int64_t w) {
      const f32v o_index_1 = __builtin_convertvector(iotav((int32_t)(k)), f32v);
      const f32v pooled_33 = o_index_1 * pooled_count_2_value;
      const f32v pooled_34 = pooled_33 + 0.5f;
      const f32v pooled_35 = pooled_34 / 5.0f;
      const f32v pooled_36 = map(pooled_35, [](float a) { return __builtin_floorf(a); });
      const f32v pooled_37 = o_index_1 + 1.0f;
      const f32v pooled_38 = pooled_37 * pooled_count_2_value;
      const f32v pooled_39 = pooled_38 + 4.0f;
      const f32v pooled_40 = pooled_39 + 0.5f;
      const f32v pooled_41 = pooled_40 / 5.0f;
      const f32v pooled_42 = map(pooled_41, [](float a) { return __builtin_floorf(a); });
      const f32v pooled_43 = pooled_36 + 0.0f;
      const f32v pooled_44 = smaller(pooled_43, splatv(pooled_count_3_value));
      const f32v relu_picked = looked_up(relu_picked_at, pooled_44, w);
      const f32v pooled_picked = pooled_17 ? relu_picked : splatv(0.0f);
      const f32v relu_picked_1 = looked_up(relu_picked_1_at, pooled_44, w);
      const f32v pooled_picked_1 = pooled_20 ? relu_picked_1 : splatv(0.0f);
      const f32v pooled_picked_2 = pooled_picked + pooled_picked_1;
      const f32v relu_picked_2 = looked_up(relu_picked_2_at, pooled_44, w);
      const f32v pooled_picked_3 = pooled_24 ? relu_picked_2 : splatv(0.0f);
      const f32v pooled_picked_4 = pooled_picked_2 + pooled_picked_3;
      const f32v relu_picked_3 = looked_up(relu_picked_3_at, pooled_44, w);
      const f32v pooled_picked_5 = pooled_27 ? relu_picked_3 : splatv(0.0f);
      const f32v pooled_picked_6 = pooled_picked_4 + pooled_picked_5;
      const f32v relu_picked_4 = looked_up(relu_picked_4_at, pooled_44, w);
      const f32v pooled_picked_7 = pooled_30 ? relu_picked_4 : splatv(0.0f);
      const f32v pooled_picked_8 = pooled_picked_6 + pooled_picked_7;
      const auto pooled_45 = pooled_43 < pooled_42;
      const f32v pooled_46 = pooled_45 ? pooled_picked_8 : splatv(0.0f);
      const f32v pooled_47 = pooled_36 + 1.0f;
      const f32v pooled_48 = smaller(pooled_47, splatv(pooled_count_3_value));
      const f32v relu_picked_5 = looked_up(relu_picked_5_at, pooled_48, w);
      const f32v pooled_picked_9 = pooled_17 ? relu_picked_5 : splatv(0.0f);
      const f32v relu_picked_6 = looked_up(relu_picked_6_at, pooled_48, w);
      const f32v pooled_picked_10 = pooled_20 ? relu_picked_6 : splatv(0.0f);
      const f32v pooled_picked_11 = pooled_picked_9 + pooled_picked_10;
      const f32v relu_picked_7 = looked_up(relu_picked_7_at, pooled_48, w);
      const f32v pooled_picked_12 = pooled_24 ? relu_picked_7 : splatv(0.0f);
      const f32v pooled_picked_13 = pooled_picked_11 + pooled_picked_12;
      const f32v relu_picked_8 = looked_up(relu_picked_8_at, pooled_48, w);
      const f32v pooled_picked_14 = pooled_27 ? relu_picked_8 : splatv(0.0f);
      const f32v pooled_picked_15 = pooled_picked_13 + pooled_picked_14;
      const f32v relu_picked_9 = looked_up(relu_picked_9_at, pooled_48, w);
      const f32v pooled_picked_16 = pooled_30 ? relu_picked_9 : splatv(0.0f);
      const f32v pooled_picked_17 = pooled_picked_15 + pooled_picked_16;
      const auto pooled_49 = pooled_47 < pooled_42;
      const f32v pooled_50 = pooled_49 ? pooled_picked_17 : splatv(0.0f);
      const f32v pooled_51 = pooled_46 + pooled_50;
      const f32v pooled_52 = pooled_36 + 2.0f;
      const f32v pooled_53 = smaller(pooled_52, splatv(pooled_count_3_value));
      const f32v relu_picked_10 = looked_up(relu_picked_10_at, pooled_53, w);
      const f32v pooled_picked_18 = pooled_17 ? relu_picked_10 : splatv(0.0f);
      const f32v relu_picked_11 = looked_up(relu_picked_11_at, pooled_53, w);
      const f32v pooled_picked_19 = pooled_20 ? relu_picked_11 : splatv(0.0f);
      const f32v pooled_picked_20 = pooled_picked_18 + pooled_picked_19;
      const f32v relu_picked_12 = looked_up(relu_picked_12_at, pooled_53, w);
      const f32v pooled_picked_21 = pooled_24 ? relu_picked_12 : splatv(0.0f);
      const f32v pooled_picked_22 = pooled_picked_20 + pooled_picked_21;
      const f32v relu_picked_13 = looked_up(relu_picked_13_at, pooled_53, w);
      const f32v pooled_picked_23 = pooled_27 ? relu_picked_13 : splatv(0.0f);
      const f32v pooled_picked_24 = pooled_picked_22 + pooled_picked_23;
      const f32v relu_picked_14 = looked_up(relu_picked_14_at, pooled_53, w);
      const f32v pooled_picked_25 = pooled_30 ? relu_picked_14 : splatv(0.0f);
      const f32v pooled_picked_26 = pooled_picked_24 + pooled_picked_25;
      const auto pooled_54 = pooled_52 < pooled_42;
      const f32v pooled_55 = pooled_54 ? pooled_picked_26 : splatv(0.0f);
      const f32v pooled_56 = pooled_51 + pooled_55;
      const f32v pooled_57 = pooled_36 + 3.0f;
      const f32v pooled_58 = smaller(pooled_57, splatv(pooled_count_3_value));
      const f32v relu_picked_15 = looked_up(relu_picked_15_at, pooled_58, w);
      const f32v pooled_picked_27 = pooled_17 ? relu_picked_15 : splatv(0.0f);
      const f32v relu_picked_16 = looked_up(relu_picked_16_at, pooled_58, w);
      const f32v pooled_picked_28 = pooled_20 ? relu_picked_16 : splatv(0.0f);
      const f32v pooled_picked_29 = pooled_picked_27 + pooled_picked_28;
      const f32v relu_picked_17 = looked_up(relu_picked_17_at, pooled_58, w);
      const f32v pooled_picked_30 = pooled_24 ? relu_picked_17 : splatv(0.0f);
      const f32v pooled_picked_31 = pooled_picked_29 + pooled_picked_30;
      const f32v relu_picked_18 = looked_up(relu_picked_18_at, pooled_58, w);
      const f32v pooled_picked_32 = pooled_27 ? relu_picked_18 : splatv(0.0f);
      const f32v pooled_picked_33 = pooled_picked_31 + pooled_picked_32;
      const f32v relu_picked_19 = looked_up(relu_picked_19_at, pooled_58, w);
      const f32v pooled_picked_34 = pooled_30 ? relu_picked_19 : splatv(0.0f);
      const f32v pooled_picked_35 = pooled_picked_33 + pooled_picked_34;
      const auto pooled_59 = pooled_57 < pooled_42;
      const f32v pooled_60 = pooled_59 ? pooled_picked_35 : splatv(0.0f);
      const f32v pooled_61 = pooled_56 + pooled_60;
      const f32v pooled_62 = pooled_36 + 4.0f;
      const f32v pooled_63 = smaller(pooled_62, splatv(pooled_count_3_value));
      const f32v relu_picked_20 = looked_up(relu_picked_20_at, pooled_63, w);
      const f32v pooled_picked_36 = pooled_17 ? relu_picked_20 : splatv(0.0f);
      const f32v relu_picked_21 = looked_up(relu_picked_21_at, pooled_63, w);
      const f32v pooled_picked_37 = pooled_20 ? relu_picked_21 : splatv(0.0f);
      const f32v pooled_picked_38 = pooled_picked_36 + pooled_picked_37;
      const f32v relu_picked_22 = looked_up(relu_picked_22_at, pooled_63, w);
      const f32v pooled_picked_39 = pooled_24 ? relu_picked_22 : splatv(0.0f);
      const f32v pooled_picked_40 = pooled_picked_38 + pooled_picked_39;
      const f32v relu_picked_23 = looked_up(relu_picked_23_at, pooled_63, w);
      const f32v pooled_picked_41 = pooled_27 ? relu_picked_23 : splatv(0.0f);
      const f32v pooled_picked_42 = pooled_picked_40 + pooled_picked_41;
      const f32v relu_picked_24 = looked_up(relu_picked_24_at, pooled_63, w);
      const f32v pooled_picked_43 = pooled_30 ? relu_picked_24 : splatv(0.0f);
      const f32v pooled_picked_44 = pooled_picked_42 + pooled_picked_43;
      const auto pooled_64 = pooled_62 < pooled_42;
      const f32v pooled_65 = pooled_64 ? pooled_picked_44 : splatv(0.0f);
      const f32v pooled_66 = pooled_61 + pooled_65;
      const f32v pooled_67 = pooled_36 + 5.0f;
      const f32v pooled_68 = smaller(pooled_67, splatv(pooled_count_3_value));
      const f32v relu_picked_25 = looked_up(relu_picked_25_at, pooled_68, w);
      const f32v pooled_picked_45 = pooled_17 ? relu_picked_25 : splatv(0.0f);
      const f32v relu_picked_26 = looked_up(relu_picked_26_at, pooled_68, w);
      const f32v pooled_picked_46 = pooled_20 ? relu_picked_26 : splatv(0.0f);
      const f32v pooled_picked_47 = pooled_picked_45 + pooled_picked_46;
      const f32v relu_picked_27 = looked_up(relu_picked_27_at, pooled_68, w);
      const f32v pooled_picked_48 = pooled_24 ? relu_picked_27 : splatv(0.0f);
      const f32v pooled_picked_49 = pooled_picked_47 + pooled_picked_48;
      const f32v relu_picked_28 = looked_up(relu_picked_28_at, pooled_68, w);
      const f32v pooled_picked_50 = pooled_27 ? relu_picked_28 : splatv(0.0f);
      const f32v pooled_picked_51 = pooled_picked_49 + pooled_picked_50;
      const f32v relu_picked_29 = looked_up(relu_picked_29_at, pooled_68, w);
      const f32v pooled_picked_52 = pooled_30 ? relu_picked_29 : splatv(0.0f);
      const f32v pooled_picked_53 = pooled_picked_51 + pooled_picked_52;
      const auto pooled_69 = pooled_67 < pooled_42;
      const f32v pooled_70 = pooled_69 ? pooled_picked_53 : splatv(0.0f);
      const f32v pooled_71 = pooled_66 + pooled_70;
      const f32v pooled_72 = pooled_42 - pooled_36;
      const f32v pooled_73 = pooled_31 * pooled_72;
      const f32v pooled_74 = pooled_71 / pooled_73;
      put(out_at + k, pooled_74, w);
    });
  }
}
