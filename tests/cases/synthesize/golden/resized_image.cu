/* /// kerf
version = 1
supports = "x.ndim == 4 and x.shape[0] == 2 and x.shape[1] == 8 and x.shape[2] == 10 and x.shape[3] == 12 and x.shape[0] * x.shape[1] * 15 * 21 < 2147483648 and (x.shape[0] == 2 and x.shape[1] == 8 and x.shape[2] == 10 and x.shape[3] == 12)"
[tune]
THREADS1 = [128, 256]
THREADS2 = [128, 256]
[[scratch]]
name = "relu"
dtype = "f32"
shape = ["x.shape[0]", "x.shape[1]", 15, 21]
[[step]]
launch = "relu_kernel"
grid = ["cdiv(x.shape[0] * x.shape[1] * 15 * 21, THREADS1 * 4)"]
block = ["THREADS1"]
args = ["x.shape[0] * x.shape[1]", 15, 21, "f32(x.shape[2] - 1)", "f32(x.shape[3] - 1)", "relu", "x", "x", "x", "x", "x.shape[3]", "x.shape[2] * x.shape[3]", "x.shape[3]", "x.shape[2] * x.shape[3]", "x.shape[3]", "x.shape[2] * x.shape[3]", "x.shape[3]", "x.shape[2] * x.shape[3]"]
[[step]]
launch = "pooled_kernel"
grid = ["cdiv(relu.shape[0] * relu.shape[1] * 4 * 5, THREADS2 * 4)"]
block = ["THREADS2"]
args = ["relu.shape[0] * relu.shape[1]", 4, 5, "out", "relu", "relu", "relu", "relu", "relu", "relu", "relu", "relu", "relu", "relu", "relu", "relu", "relu", "relu", "relu", "relu", "relu", "relu", "relu", "relu", "relu", "relu", "relu", "relu", "relu", "relu", "relu", "relu", "relu", "relu", "f32(relu.shape[2])", "f32(relu.shape[2] - 1)", "f32(relu.shape[3])", "f32(relu.shape[3] - 1)", "relu.shape[3]", "relu.shape[2] * relu.shape[3]", "relu.shape[3]", "relu.shape[2] * relu.shape[3]", "relu.shape[3]", "relu.shape[2] * relu.shape[3]", "relu.shape[3]", "relu.shape[2] * relu.shape[3]", "relu.shape[3]", "relu.shape[2] * relu.shape[3]", "relu.shape[3]", "relu.shape[2] * relu.shape[3]", "relu.shape[3]", "relu.shape[2] * relu.shape[3]", "relu.shape[3]", "relu.shape[2] * relu.shape[3]", "relu.shape[3]", "relu.shape[2] * relu.shape[3]", "relu.shape[3]", "relu.shape[2] * relu.shape[3]", "relu.shape[3]", "relu.shape[2] * relu.shape[3]", "relu.shape[3]", "relu.shape[2] * relu.shape[3]", "relu.shape[3]", "relu.shape[2] * relu.shape[3]", "relu.shape[3]", "relu.shape[2] * relu.shape[3]", "relu.shape[3]", "relu.shape[2] * relu.shape[3]", "relu.shape[3]", "relu.shape[2] * relu.shape[3]", "relu.shape[3]", "relu.shape[2] * relu.shape[3]", "relu.shape[3]", "relu.shape[2] * relu.shape[3]", "relu.shape[3]", "relu.shape[2] * relu.shape[3]", "relu.shape[3]", "relu.shape[2] * relu.shape[3]", "relu.shape[3]", "relu.shape[2] * relu.shape[3]", "relu.shape[3]", "relu.shape[2] * relu.shape[3]", "relu.shape[3]", "relu.shape[2] * relu.shape[3]", "relu.shape[3]", "relu.shape[2] * relu.shape[3]", "relu.shape[3]", "relu.shape[2] * relu.shape[3]", "relu.shape[3]", "relu.shape[2] * relu.shape[3]", "relu.shape[3]", "relu.shape[2] * relu.shape[3]", "relu.shape[3]", "relu.shape[2] * relu.shape[3]", "relu.shape[3]", "relu.shape[2] * relu.shape[3]", "relu.shape[3]", "relu.shape[2] * relu.shape[3]"]
/// */

__device__ inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
__device__ inline void put(float* to, const float (&v)[1]) { *to = v[0]; }
__device__ inline void put(float* to, const float (&v)[2]) { *(float2*)to = make_float2(v[0], v[1]); }
__device__ inline void put(float* to, const float (&v)[4]) { *(float4*)to = make_float4(v[0], v[1], v[2], v[3]); }
template <class T, int width> __device__ inline void scatter(T* to, const T (&v)[width], int64_t stride, int left = width) {
#pragma unroll
  for (int k = 0; k < width; ++k)
    if (k < left) to[k * stride] = v[k];
}
template <int width> __device__ inline void put(float* to, const float (&v)[width], int left) {
  if (left >= width) put(to, v); else scatter(to, v, 1, left);
}
// The smaller one; NaN if either is.
__device__ inline float smaller(float a, float b) { return a < b || a != a ? a : b; }

// i < x.shape[0] * x.shape[1], j < 15, k < 21
extern "C" __global__ void __launch_bounds__(THREADS1) relu_kernel(int64_t I, int64_t J, int64_t K, float grown_count_value, float grown_count_1_value, float* __restrict__ out_to, const float* __restrict__ x_picked_from, const float* __restrict__ x_picked_1_from, const float* __restrict__ x_picked_2_from, const float* __restrict__ x_picked_3_from, int64_t x_picked_stride_pick1, int64_t x_picked_stride_i, int64_t x_picked_1_stride_pick1, int64_t x_picked_1_stride_i, int64_t x_picked_2_stride_pick1, int64_t x_picked_2_stride_i, int64_t x_picked_3_stride_pick1, int64_t x_picked_3_stride_i) {
  const int64_t tile = blockIdx.x;
  const int64_t begin = tile * (THREADS1 * 4);
  const int count = (int)least(THREADS1 * 4, I * J * K - begin);
  const float grown_1 = grown_count_value / 14.0f;
  const float grown_12 = grown_count_1_value / 20.0f;
  float* const out_at = out_to + begin;
  #pragma unroll
  for (int v = 0; v < 4; ++v) {
    const int at = v * THREADS1 + (int)threadIdx.x;
    if (at < count) {
      const int i = (int)(begin + at) / (int)(J * K);
      const int j = (int)(begin + at) / (int)(K) % (int)(J);
      const int k = (int)(begin + at) % (int)(K);
      const float o_index = (float)j;
      const float grown_2 = o_index * grown_1;
      const float grown_3 = floorf(grown_2);
      const float grown_4 = smaller(grown_3, grown_count_value);
      const float grown_6 = grown_4 + 1.0f;
      const float grown_7 = smaller(grown_6, grown_count_value);
      const float grown_8 = grown_2 - grown_4;
      const float grown_9 = smaller(grown_8, 1.0f);
      const float grown_10 = 1.0f - grown_9;
      float out[1];
      #pragma unroll
      for (int e = 0; e < 1; ++e) {
        const float o_index_1 = (float)(k + e);
        const float grown_13 = o_index_1 * grown_12;
        const float grown_14 = floorf(grown_13);
        const float grown_15 = smaller(grown_14, grown_count_1_value);
        const float grown_16 = grown_15 + 1.0f;
        const float grown_17 = smaller(grown_16, grown_count_1_value);
        const float grown_18 = grown_13 - grown_15;
        const float grown_19 = smaller(grown_18, 1.0f);
        const float x_picked = *(x_picked_from + (int64_t)grown_17 + (int64_t)grown_4 * x_picked_stride_pick1 + i * x_picked_stride_i);
        const float grown_picked = grown_10 * x_picked;
        const float x_picked_1 = *(x_picked_1_from + (int64_t)grown_17 + (int64_t)grown_7 * x_picked_1_stride_pick1 + i * x_picked_1_stride_i);
        const float grown_picked_1 = grown_9 * x_picked_1;
        const float grown_picked_2 = grown_picked + grown_picked_1;
        const float grown_20 = grown_19 * grown_picked_2;
        const float x_picked_2 = *(x_picked_2_from + (int64_t)grown_15 + (int64_t)grown_4 * x_picked_2_stride_pick1 + i * x_picked_2_stride_i);
        const float grown_picked_3 = grown_10 * x_picked_2;
        const float x_picked_3 = *(x_picked_3_from + (int64_t)grown_15 + (int64_t)grown_7 * x_picked_3_stride_pick1 + i * x_picked_3_stride_i);
        const float grown_picked_4 = grown_9 * x_picked_3;
        const float grown_picked_5 = grown_picked_3 + grown_picked_4;
        const float grown_21 = 1.0f - grown_19;
        const float grown_22 = grown_21 * grown_picked_5;
        const float grown_23 = grown_22 + grown_20;
        const float relu = grown_23 < 0.0f ? 0.0f : grown_23;
        out[e] = relu;
      }
      put(out_at + at, out);
    }
  }
}

// i < relu.shape[0] * relu.shape[1], j < 4, k < 5
extern "C" __global__ void __launch_bounds__(THREADS2) pooled_kernel(int64_t I, int64_t J, int64_t K, float* __restrict__ out_to, const float* __restrict__ relu_picked_from, const float* __restrict__ relu_picked_1_from, const float* __restrict__ relu_picked_2_from, const float* __restrict__ relu_picked_3_from, const float* __restrict__ relu_picked_4_from, const float* __restrict__ relu_picked_5_from, const float* __restrict__ relu_picked_6_from, const float* __restrict__ relu_picked_7_from, const float* __restrict__ relu_picked_8_from, const float* __restrict__ relu_picked_9_from, const float* __restrict__ relu_picked_10_from, const float* __restrict__ relu_picked_11_from, const float* __restrict__ relu_picked_12_from, const float* __restrict__ relu_picked_13_from, const float* __restrict__ relu_picked_14_from, const float* __restrict__ relu_picked_15_from, const float* __restrict__ relu_picked_16_from, const float* __restrict__ relu_picked_17_from, const float* __restrict__ relu_picked_18_from, const float* __restrict__ relu_picked_19_from, const float* __restrict__ relu_picked_20_from, const float* __restrict__ relu_picked_21_from, const float* __restrict__ relu_picked_22_from, const float* __restrict__ relu_picked_23_from, const float* __restrict__ relu_picked_24_from, const float* __restrict__ relu_picked_25_from, const float* __restrict__ relu_picked_26_from, const float* __restrict__ relu_picked_27_from, const float* __restrict__ relu_picked_28_from, const float* __restrict__ relu_picked_29_from, float pooled_count_value, float pooled_count_1_value, float pooled_count_2_value, float pooled_count_3_value, int64_t relu_picked_stride_pick1, int64_t relu_picked_stride_i, int64_t relu_picked_1_stride_pick1, int64_t relu_picked_1_stride_i, int64_t relu_picked_2_stride_pick1, int64_t relu_picked_2_stride_i, int64_t relu_picked_3_stride_pick1, int64_t relu_picked_3_stride_i, int64_t relu_picked_4_stride_pick1, int64_t relu_picked_4_stride_i, int64_t relu_picked_5_stride_pick1, int64_t relu_picked_5_stride_i, int64_t relu_picked_6_stride_pick1, int64_t relu_picked_6_stride_i, int64_t relu_picked_7_stride_pick1, int64_t relu_picked_7_stride_i, int64_t relu_picked_8_stride_pick1, int64_t relu_picked_8_stride_i, int64_t relu_picked_9_stride_pick1, int64_t relu_picked_9_stride_i, int64_t relu_picked_10_stride_pick1, int64_t relu_picked_10_stride_i, int64_t relu_picked_11_stride_pick1, int64_t relu_picked_11_stride_i, int64_t relu_picked_12_stride_pick1, int64_t relu_picked_12_stride_i, int64_t relu_picked_13_stride_pick1, int64_t relu_picked_13_stride_i, int64_t relu_picked_14_stride_pick1, int64_t relu_picked_14_stride_i, int64_t relu_picked_15_stride_pick1, int64_t relu_picked_15_stride_i, int64_t relu_picked_16_stride_pick1, int64_t relu_picked_16_stride_i, int64_t relu_picked_17_stride_pick1, int64_t relu_picked_17_stride_i, int64_t relu_picked_18_stride_pick1, int64_t relu_picked_18_stride_i, int64_t relu_picked_19_stride_pick1, int64_t relu_picked_19_stride_i, int64_t relu_picked_20_stride_pick1, int64_t relu_picked_20_stride_i, int64_t relu_picked_21_stride_pick1, int64_t relu_picked_21_stride_i, int64_t relu_picked_22_stride_pick1, int64_t relu_picked_22_stride_i, int64_t relu_picked_23_stride_pick1, int64_t relu_picked_23_stride_i, int64_t relu_picked_24_stride_pick1, int64_t relu_picked_24_stride_i, int64_t relu_picked_25_stride_pick1, int64_t relu_picked_25_stride_i, int64_t relu_picked_26_stride_pick1, int64_t relu_picked_26_stride_i, int64_t relu_picked_27_stride_pick1, int64_t relu_picked_27_stride_i, int64_t relu_picked_28_stride_pick1, int64_t relu_picked_28_stride_i, int64_t relu_picked_29_stride_pick1, int64_t relu_picked_29_stride_i) {
  const int64_t tile = blockIdx.x;
  const int64_t begin = tile * (THREADS2 * 4);
  const int count = (int)least(THREADS2 * 4, I * J * K - begin);
  float* const out_at = out_to + begin;
  #pragma unroll
  for (int v = 0; v < 4; ++v) {
    const int at = v * THREADS2 + (int)threadIdx.x;
    if (at < count) {
      const int i = (int)(begin + at) / (int)(J * K);
      const int j = (int)(begin + at) / (int)(K) % (int)(J);
      const int k = (int)(begin + at) % (int)(K);
      const float o_index = (float)j;
      const float pooled_1 = o_index * pooled_count_value;
      const float pooled_3 = pooled_1 + 0.5f;
      const float pooled_4 = pooled_3 / 4.0f;
      const float pooled_5 = floorf(pooled_4);
      const float pooled_8 = o_index + 1.0f;
      const float pooled_9 = pooled_8 * pooled_count_value;
      const float pooled_10 = pooled_9 + 3.0f;
      const float pooled_11 = pooled_10 + 0.5f;
      const float pooled_12 = pooled_11 / 4.0f;
      const float pooled_13 = floorf(pooled_12);
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
      float out[1];
      #pragma unroll
      for (int e = 0; e < 1; ++e) {
        const float o_index_1 = (float)(k + e);
        const float pooled_33 = o_index_1 * pooled_count_2_value;
        const float pooled_34 = pooled_33 + 0.5f;
        const float pooled_35 = pooled_34 / 5.0f;
        const float pooled_36 = floorf(pooled_35);
        const float pooled_37 = o_index_1 + 1.0f;
        const float pooled_38 = pooled_37 * pooled_count_2_value;
        const float pooled_39 = pooled_38 + 4.0f;
        const float pooled_40 = pooled_39 + 0.5f;
        const float pooled_41 = pooled_40 / 5.0f;
        const float pooled_42 = floorf(pooled_41);
        const float pooled_43 = pooled_36 + 0.0f;
        const float pooled_44 = smaller(pooled_43, pooled_count_3_value);
        const float relu_picked = *(relu_picked_from + (int64_t)pooled_44 + (int64_t)pooled_16 * relu_picked_stride_pick1 + i * relu_picked_stride_i);
        const float pooled_picked = pooled_17 ? relu_picked : 0.0f;
        const float relu_picked_1 = *(relu_picked_1_from + (int64_t)pooled_44 + (int64_t)pooled_19 * relu_picked_1_stride_pick1 + i * relu_picked_1_stride_i);
        const float pooled_picked_1 = pooled_20 ? relu_picked_1 : 0.0f;
        const float pooled_picked_2 = pooled_picked + pooled_picked_1;
        const float relu_picked_2 = *(relu_picked_2_from + (int64_t)pooled_44 + (int64_t)pooled_23 * relu_picked_2_stride_pick1 + i * relu_picked_2_stride_i);
        const float pooled_picked_3 = pooled_24 ? relu_picked_2 : 0.0f;
        const float pooled_picked_4 = pooled_picked_2 + pooled_picked_3;
        const float relu_picked_3 = *(relu_picked_3_from + (int64_t)pooled_44 + (int64_t)pooled_26 * relu_picked_3_stride_pick1 + i * relu_picked_3_stride_i);
        const float pooled_picked_5 = pooled_27 ? relu_picked_3 : 0.0f;
        const float pooled_picked_6 = pooled_picked_4 + pooled_picked_5;
        const float relu_picked_4 = *(relu_picked_4_from + (int64_t)pooled_44 + (int64_t)pooled_29 * relu_picked_4_stride_pick1 + i * relu_picked_4_stride_i);
        const float pooled_picked_7 = pooled_30 ? relu_picked_4 : 0.0f;
        const float pooled_picked_8 = pooled_picked_6 + pooled_picked_7;
        const bool pooled_45 = pooled_43 < pooled_42;
        const float pooled_46 = pooled_45 ? pooled_picked_8 : 0.0f;
        const float pooled_47 = pooled_36 + 1.0f;
        const float pooled_48 = smaller(pooled_47, pooled_count_3_value);
        const float relu_picked_5 = *(relu_picked_5_from + (int64_t)pooled_48 + (int64_t)pooled_16 * relu_picked_5_stride_pick1 + i * relu_picked_5_stride_i);
        const float pooled_picked_9 = pooled_17 ? relu_picked_5 : 0.0f;
        const float relu_picked_6 = *(relu_picked_6_from + (int64_t)pooled_48 + (int64_t)pooled_19 * relu_picked_6_stride_pick1 + i * relu_picked_6_stride_i);
        const float pooled_picked_10 = pooled_20 ? relu_picked_6 : 0.0f;
        const float pooled_picked_11 = pooled_picked_9 + pooled_picked_10;
        const float relu_picked_7 = *(relu_picked_7_from + (int64_t)pooled_48 + (int64_t)pooled_23 * relu_picked_7_stride_pick1 + i * relu_picked_7_stride_i);
        const float pooled_picked_12 = pooled_24 ? relu_picked_7 : 0.0f;
        const float pooled_picked_13 = pooled_picked_11 + pooled_picked_12;
        const float relu_picked_8 = *(relu_picked_8_from + (int64_t)pooled_48 + (int64_t)pooled_26 * relu_picked_8_stride_pick1 + i * relu_picked_8_stride_i);
        const float pooled_picked_14 = pooled_27 ? relu_picked_8 : 0.0f;
        const float pooled_picked_15 = pooled_picked_13 + pooled_picked_14;
        const float relu_picked_9 = *(relu_picked_9_from + (int64_t)pooled_48 + (int64_t)pooled_29 * relu_picked_9_stride_pick1 + i * relu_picked_9_stride_i);
        const float pooled_picked_16 = pooled_30 ? relu_picked_9 : 0.0f;
        const float pooled_picked_17 = pooled_picked_15 + pooled_picked_16;
        const bool pooled_49 = pooled_47 < pooled_42;
        const float pooled_50 = pooled_49 ? pooled_picked_17 : 0.0f;
        const float pooled_51 = pooled_46 + pooled_50;
        const float pooled_52 = pooled_36 + 2.0f;
        const float pooled_53 = smaller(pooled_52, pooled_count_3_value);
        const float relu_picked_10 = *(relu_picked_10_from + (int64_t)pooled_53 + (int64_t)pooled_16 * relu_picked_10_stride_pick1 + i * relu_picked_10_stride_i);
        const float pooled_picked_18 = pooled_17 ? relu_picked_10 : 0.0f;
        const float relu_picked_11 = *(relu_picked_11_from + (int64_t)pooled_53 + (int64_t)pooled_19 * relu_picked_11_stride_pick1 + i * relu_picked_11_stride_i);
        const float pooled_picked_19 = pooled_20 ? relu_picked_11 : 0.0f;
        const float pooled_picked_20 = pooled_picked_18 + pooled_picked_19;
        const float relu_picked_12 = *(relu_picked_12_from + (int64_t)pooled_53 + (int64_t)pooled_23 * relu_picked_12_stride_pick1 + i * relu_picked_12_stride_i);
        const float pooled_picked_21 = pooled_24 ? relu_picked_12 : 0.0f;
        const float pooled_picked_22 = pooled_picked_20 + pooled_picked_21;
        const float relu_picked_13 = *(relu_picked_13_from + (int64_t)pooled_53 + (int64_t)pooled_26 * relu_picked_13_stride_pick1 + i * relu_picked_13_stride_i);
        const float pooled_picked_23 = pooled_27 ? relu_picked_13 : 0.0f;
        const float pooled_picked_24 = pooled_picked_22 + pooled_picked_23;
        const float relu_picked_14 = *(relu_picked_14_from + (int64_t)pooled_53 + (int64_t)pooled_29 * relu_picked_14_stride_pick1 + i * relu_picked_14_stride_i);
        const float pooled_picked_25 = pooled_30 ? relu_picked_14 : 0.0f;
        const float pooled_picked_26 = pooled_picked_24 + pooled_picked_25;
        const bool pooled_54 = pooled_52 < pooled_42;
        const float pooled_55 = pooled_54 ? pooled_picked_26 : 0.0f;
        const float pooled_56 = pooled_51 + pooled_55;
        const float pooled_57 = pooled_36 + 3.0f;
        const float pooled_58 = smaller(pooled_57, pooled_count_3_value);
        const float relu_picked_15 = *(relu_picked_15_from + (int64_t)pooled_58 + (int64_t)pooled_16 * relu_picked_15_stride_pick1 + i * relu_picked_15_stride_i);
        const float pooled_picked_27 = pooled_17 ? relu_picked_15 : 0.0f;
        const float relu_picked_16 = *(relu_picked_16_from + (int64_t)pooled_58 + (int64_t)pooled_19 * relu_picked_16_stride_pick1 + i * relu_picked_16_stride_i);
        const float pooled_picked_28 = pooled_20 ? relu_picked_16 : 0.0f;
        const float pooled_picked_29 = pooled_picked_27 + pooled_picked_28;
        const float relu_picked_17 = *(relu_picked_17_from + (int64_t)pooled_58 + (int64_t)pooled_23 * relu_picked_17_stride_pick1 + i * relu_picked_17_stride_i);
        const float pooled_picked_30 = pooled_24 ? relu_picked_17 : 0.0f;
        const float pooled_picked_31 = pooled_picked_29 + pooled_picked_30;
        const float relu_picked_18 = *(relu_picked_18_from + (int64_t)pooled_58 + (int64_t)pooled_26 * relu_picked_18_stride_pick1 + i * relu_picked_18_stride_i);
        const float pooled_picked_32 = pooled_27 ? relu_picked_18 : 0.0f;
        const float pooled_picked_33 = pooled_picked_31 + pooled_picked_32;
        const float relu_picked_19 = *(relu_picked_19_from + (int64_t)pooled_58 + (int64_t)pooled_29 * relu_picked_19_stride_pick1 + i * relu_picked_19_stride_i);
        const float pooled_picked_34 = pooled_30 ? relu_picked_19 : 0.0f;
        const float pooled_picked_35 = pooled_picked_33 + pooled_picked_34;
        const bool pooled_59 = pooled_57 < pooled_42;
        const float pooled_60 = pooled_59 ? pooled_picked_35 : 0.0f;
        const float pooled_61 = pooled_56 + pooled_60;
        const float pooled_62 = pooled_36 + 4.0f;
        const float pooled_63 = smaller(pooled_62, pooled_count_3_value);
        const float relu_picked_20 = *(relu_picked_20_from + (int64_t)pooled_63 + (int64_t)pooled_16 * relu_picked_20_stride_pick1 + i * relu_picked_20_stride_i);
        const float pooled_picked_36 = pooled_17 ? relu_picked_20 : 0.0f;
        const float relu_picked_21 = *(relu_picked_21_from + (int64_t)pooled_63 + (int64_t)pooled_19 * relu_picked_21_stride_pick1 + i * relu_picked_21_stride_i);
        const float pooled_picked_37 = pooled_20 ? relu_picked_21 : 0.0f;
        const float pooled_picked_38 = pooled_picked_36 + pooled_picked_37;
        const float relu_picked_22 = *(relu_picked_22_from + (int64_t)pooled_63 + (int64_t)pooled_23 * relu_picked_22_stride_pick1 + i * relu_picked_22_stride_i);
        const float pooled_picked_39 = pooled_24 ? relu_picked_22 : 0.0f;
        const float pooled_picked_40 = pooled_picked_38 + pooled_picked_39;
        const float relu_picked_23 = *(relu_picked_23_from + (int64_t)pooled_63 + (int64_t)pooled_26 * relu_picked_23_stride_pick1 + i * relu_picked_23_stride_i);
        const float pooled_picked_41 = pooled_27 ? relu_picked_23 : 0.0f;
        const float pooled_picked_42 = pooled_picked_40 + pooled_picked_41;
        const float relu_picked_24 = *(relu_picked_24_from + (int64_t)pooled_63 + (int64_t)pooled_29 * relu_picked_24_stride_pick1 + i * relu_picked_24_stride_i);
        const float pooled_picked_43 = pooled_30 ? relu_picked_24 : 0.0f;
        const float pooled_picked_44 = pooled_picked_42 + pooled_picked_43;
        const bool pooled_64 = pooled_62 < pooled_42;
        const float pooled_65 = pooled_64 ? pooled_picked_44 : 0.0f;
        const float pooled_66 = pooled_61 + pooled_65;
        const float pooled_67 = pooled_36 + 5.0f;
        const float pooled_68 = smaller(pooled_67, pooled_count_3_value);
        const float relu_picked_25 = *(relu_picked_25_from + (int64_t)pooled_68 + (int64_t)pooled_16 * relu_picked_25_stride_pick1 + i * relu_picked_25_stride_i);
        const float pooled_picked_45 = pooled_17 ? relu_picked_25 : 0.0f;
        const float relu_picked_26 = *(relu_picked_26_from + (int64_t)pooled_68 + (int64_t)pooled_19 * relu_picked_26_stride_pick1 + i * relu_picked_26_stride_i);
        const float pooled_picked_46 = pooled_20 ? relu_picked_26 : 0.0f;
        const float pooled_picked_47 = pooled_picked_45 + pooled_picked_46;
        const float relu_picked_27 = *(relu_picked_27_from + (int64_t)pooled_68 + (int64_t)pooled_23 * relu_picked_27_stride_pick1 + i * relu_picked_27_stride_i);
        const float pooled_picked_48 = pooled_24 ? relu_picked_27 : 0.0f;
        const float pooled_picked_49 = pooled_picked_47 + pooled_picked_48;
        const float relu_picked_28 = *(relu_picked_28_from + (int64_t)pooled_68 + (int64_t)pooled_26 * relu_picked_28_stride_pick1 + i * relu_picked_28_stride_i);
        const float pooled_picked_50 = pooled_27 ? relu_picked_28 : 0.0f;
        const float pooled_picked_51 = pooled_picked_49 + pooled_picked_50;
        const float relu_picked_29 = *(relu_picked_29_from + (int64_t)pooled_68 + (int64_t)pooled_29 * relu_picked_29_stride_pick1 + i * relu_picked_29_stride_i);
        const float pooled_picked_52 = pooled_30 ? relu_picked_29 : 0.0f;
        const float pooled_picked_53 = pooled_picked_51 + pooled_picked_52;
        const bool pooled_69 = pooled_67 < pooled_42;
        const float pooled_70 = pooled_69 ? pooled_picked_53 : 0.0f;
        const float pooled_71 = pooled_66 + pooled_70;
        const float pooled_72 = pooled_42 - pooled_36;
        const float pooled_73 = pooled_31 * pooled_72;
        const float pooled_74 = pooled_71 / pooled_73;
        out[e] = pooled_74;
      }
      put(out_at + at, out);
    }
  }
}
