/* /// kerf
version = 1
supports = "x.ndim == 4 and x.shape[0] == 2 and x.shape[1] == 3 and x.shape[2] == 14 and x.shape[3] == 14 and (x.shape[0] * x.shape[1] * (min(cdiv(x.shape[2] - 1, 2) + 1, cdiv(x.shape[2] + 1, 2)))) * (min(cdiv(x.shape[3] - 1, 2) + 1, cdiv(x.shape[3] + 1, 2))) < 2147483648"
[tune]
THREADS = [128, 256]
[[step]]
launch = "avg_pool2d_kernel"
grid = ["cdiv((x.shape[0] * x.shape[1] * (min(cdiv(x.shape[2] - 1, 2) + 1, cdiv(x.shape[2] + 1, 2)))) * (min(cdiv(x.shape[3] - 1, 2) + 1, cdiv(x.shape[3] + 1, 2))), THREADS * 4)"]
block = ["THREADS"]
args = ["x.shape[0] * x.shape[1]", "min(cdiv(x.shape[2] - 1, 2) + 1, cdiv(x.shape[2] + 1, 2))", "min(cdiv(x.shape[3] - 1, 2) + 1, cdiv(x.shape[3] + 1, 2))", "out", "x", "x.shape[3]", "f32(x.shape[2])", "x.shape[3] * 2", "x.shape[2] * x.shape[3]", "x.shape[2]", "f32(x.shape[3])"]
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
// The larger one; NaN if either is.
__device__ inline float greater(float a, float b) { return a > b || a != a ? a : b; }
// The smaller one; NaN if either is.
__device__ inline float smaller(float a, float b) { return a < b || a != a ? a : b; }

// i < x.shape[0] * x.shape[1], j < min(cdiv(x.shape[2] - 1, 2) + 1, cdiv(x.shape[2] + 1, 2)), k < min(cdiv(x.shape[3] - 1, 2) + 1, cdiv(x.shape[3] + 1, 2))
extern "C" __global__ void __launch_bounds__(THREADS) avg_pool2d_kernel(int64_t I, int64_t J, int64_t K, float* __restrict__ out_to, const float* __restrict__ x_from, int64_t x_step, float avg_pool2d_count_value, int64_t x_stride_j, int64_t x_stride_i, int64_t x_limit, float avg_pool2d_count_1_value) {
  const int64_t tile = blockIdx.x;
  const int64_t begin = tile * (THREADS * 4);
  const int count = (int)least(THREADS * 4, I * J * K - begin);
  float* const out_at = out_to + begin;
  const float* const x_at = x_from + -1 + -1 * x_step;
  const float* const x_1_at = x_from + -1 * x_step;
  const float* const x_2_at = x_from + 1 + -1 * x_step;
  const float* const x_3_at = x_from + -1;
  const float* const x_5_at = x_from + 1;
  const float* const x_6_at = x_from + -1 + 1 * x_step;
  const float* const x_7_at = x_from + 1 * x_step;
  const float* const x_8_at = x_from + 1 + 1 * x_step;
  #pragma unroll
  for (int v = 0; v < 4; ++v) {
    const int at = v * THREADS + (int)threadIdx.x;
    if (at < count) {
      const int i = (int)(begin + at) / (int)(J * K);
      const int j = (int)(begin + at) / (int)(K) % (int)(J);
      const int k = (int)(begin + at) % (int)(K);
      const float o_index = (float)j;
      const float avg_pool2d_10 = o_index * 2.0f;
      const float avg_pool2d_11 = -1.0f + avg_pool2d_10;
      const float avg_pool2d_13 = avg_pool2d_11 + 3.0f;
      const float avg_pool2d_14 = smaller(avg_pool2d_13, avg_pool2d_count_value);
      const float avg_pool2d_16 = greater(avg_pool2d_11, 0.0f);
      const float avg_pool2d_17 = avg_pool2d_14 - avg_pool2d_16;
      float out[1];
      #pragma unroll
      for (int e = 0; e < 1; ++e) {
        const float x_ = (k + e) * 2 + -1 >= 0 && (k + e) * 2 + -1 < x_step && j * 2 + -1 >= 0 && j * 2 + -1 < x_limit ? *(x_at + k * 2 + j * x_stride_j + i * x_stride_i + e * 2) : 0.0f;
        const float x_1 = (k + e) * 2 < x_step && j * 2 + -1 >= 0 && j * 2 + -1 < x_limit ? *(x_1_at + k * 2 + j * x_stride_j + i * x_stride_i + e * 2) : 0.0f;
        const float avg_pool2d = x_ + x_1;
        const float x_2 = (k + e) * 2 + 1 < x_step && j * 2 + -1 >= 0 && j * 2 + -1 < x_limit ? *(x_2_at + k * 2 + j * x_stride_j + i * x_stride_i + e * 2) : 0.0f;
        const float avg_pool2d_1 = avg_pool2d + x_2;
        const float x_3 = (k + e) * 2 + -1 >= 0 && (k + e) * 2 + -1 < x_step && j * 2 < x_limit ? *(x_3_at + k * 2 + j * x_stride_j + i * x_stride_i + e * 2) : 0.0f;
        const float avg_pool2d_2 = avg_pool2d_1 + x_3;
        const float x_4 = (k + e) * 2 < x_step && j * 2 < x_limit ? *(x_from + k * 2 + j * x_stride_j + i * x_stride_i + e * 2) : 0.0f;
        const float avg_pool2d_3 = avg_pool2d_2 + x_4;
        const float x_5 = (k + e) * 2 + 1 < x_step && j * 2 < x_limit ? *(x_5_at + k * 2 + j * x_stride_j + i * x_stride_i + e * 2) : 0.0f;
        const float avg_pool2d_4 = avg_pool2d_3 + x_5;
        const float x_6 = (k + e) * 2 + -1 >= 0 && (k + e) * 2 + -1 < x_step && j * 2 + 1 < x_limit ? *(x_6_at + k * 2 + j * x_stride_j + i * x_stride_i + e * 2) : 0.0f;
        const float avg_pool2d_5 = avg_pool2d_4 + x_6;
        const float x_7 = (k + e) * 2 < x_step && j * 2 + 1 < x_limit ? *(x_7_at + k * 2 + j * x_stride_j + i * x_stride_i + e * 2) : 0.0f;
        const float avg_pool2d_6 = avg_pool2d_5 + x_7;
        const float x_8 = (k + e) * 2 + 1 < x_step && j * 2 + 1 < x_limit ? *(x_8_at + k * 2 + j * x_stride_j + i * x_stride_i + e * 2) : 0.0f;
        const float avg_pool2d_7 = avg_pool2d_6 + x_8;
        const float o_index_1 = (float)(k + e);
        const float avg_pool2d_18 = o_index_1 * 2.0f;
        const float avg_pool2d_19 = -1.0f + avg_pool2d_18;
        const float avg_pool2d_20 = avg_pool2d_19 + 3.0f;
        const float avg_pool2d_21 = smaller(avg_pool2d_20, avg_pool2d_count_1_value);
        const float avg_pool2d_22 = greater(avg_pool2d_19, 0.0f);
        const float avg_pool2d_23 = avg_pool2d_21 - avg_pool2d_22;
        const float avg_pool2d_24 = avg_pool2d_17 * avg_pool2d_23;
        const float avg_pool2d_25 = avg_pool2d_7 / avg_pool2d_24;
        out[e] = avg_pool2d_25;
      }
      put(out_at + at, out);
    }
  }
}
