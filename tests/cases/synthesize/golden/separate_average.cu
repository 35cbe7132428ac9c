/* /// kerf
version = 1
supports = "x.ndim == 4 and x.shape[0] == 2 and x.shape[1] == 4 and x.shape[2] == 70 and x.shape[3] == 200 and (x.shape[0] * x.shape[1] * ((x.shape[2] - 11) // 11 + 1)) * x.shape[3] < 2147483648 and (x.shape[0] == 2 and x.shape[1] == 4 and x.shape[2] == 70 and x.shape[3] == 200)"
[tune]
THREADS1 = [128, 256]
THREADS2 = [128, 256]
[[scratch]]
name = "avg_pool2d_rows"
dtype = "f32"
shape = ["x.shape[0]", "x.shape[1]", "(x.shape[2] - 11) // 11 + 1", "x.shape[3]"]
[[step]]
launch = "avg_pool2d_rows_kernel"
grid = ["cdiv((x.shape[0] * x.shape[1] * ((x.shape[2] - 11) // 11 + 1)) * x.shape[3], THREADS1 * 4)"]
block = ["THREADS1"]
args = ["x.shape[0] * x.shape[1]", "(x.shape[2] - 11) // 11 + 1", "x.shape[3]", "avg_pool2d_rows", "x", "x.shape[3] * 11", "x.shape[2] * x.shape[3]"]
[[step]]
launch = "avg_pool2d_kernel"
grid = ["cdiv(avg_pool2d_rows.shape[0] * avg_pool2d_rows.shape[1] * avg_pool2d_rows.shape[2] * ((avg_pool2d_rows.shape[3] - 11) // 11 + 1), THREADS2 * 4)"]
block = ["THREADS2"]
args = ["avg_pool2d_rows.shape[0] * avg_pool2d_rows.shape[1] * avg_pool2d_rows.shape[2]", "(avg_pool2d_rows.shape[3] - 11) // 11 + 1", "out", "avg_pool2d_rows", "avg_pool2d_rows.shape[3]"]
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

// i < x.shape[0] * x.shape[1], j < (x.shape[2] - 11) // 11 + 1, k < x.shape[3]
extern "C" __global__ void __launch_bounds__(THREADS1) avg_pool2d_rows_kernel(int64_t I, int64_t J, int64_t K, float* __restrict__ out_to, const float* __restrict__ x_from, int64_t x_stride_j, int64_t x_stride_i) {
  const int64_t tile = blockIdx.x;
  const int64_t begin = tile * (THREADS1 * 4);
  const int count = (int)least(THREADS1 * 4, I * J * K - begin);
  float* const out_at = out_to + begin;
  const float* const x_1_at = x_from + 1 * K;
  const float* const x_2_at = x_from + 2 * K;
  const float* const x_3_at = x_from + 3 * K;
  const float* const x_4_at = x_from + 4 * K;
  const float* const x_5_at = x_from + 5 * K;
  const float* const x_6_at = x_from + 6 * K;
  const float* const x_7_at = x_from + 7 * K;
  const float* const x_8_at = x_from + 8 * K;
  const float* const x_9_at = x_from + 9 * K;
  const float* const x_10_at = x_from + 10 * K;
  #pragma unroll
  for (int v = 0; v < 4; ++v) {
    const int at = v * THREADS1 + (int)threadIdx.x;
    if (at < count) {
      const int i = (int)(begin + at) / (int)(J * K);
      const int j = (int)(begin + at) / (int)(K) % (int)(J);
      const int k = (int)(begin + at) % (int)(K);
      float out[1];
      #pragma unroll
      for (int e = 0; e < 1; ++e) {
        const float x_ = *(x_from + k + j * x_stride_j + i * x_stride_i + e);
        const float x_1 = *(x_1_at + k + j * x_stride_j + i * x_stride_i + e);
        const float avg_pool2d_rows = x_ + x_1;
        const float x_2 = *(x_2_at + k + j * x_stride_j + i * x_stride_i + e);
        const float avg_pool2d_rows_1 = avg_pool2d_rows + x_2;
        const float x_3 = *(x_3_at + k + j * x_stride_j + i * x_stride_i + e);
        const float avg_pool2d_rows_2 = avg_pool2d_rows_1 + x_3;
        const float x_4 = *(x_4_at + k + j * x_stride_j + i * x_stride_i + e);
        const float avg_pool2d_rows_3 = avg_pool2d_rows_2 + x_4;
        const float x_5 = *(x_5_at + k + j * x_stride_j + i * x_stride_i + e);
        const float avg_pool2d_rows_4 = avg_pool2d_rows_3 + x_5;
        const float x_6 = *(x_6_at + k + j * x_stride_j + i * x_stride_i + e);
        const float avg_pool2d_rows_5 = avg_pool2d_rows_4 + x_6;
        const float x_7 = *(x_7_at + k + j * x_stride_j + i * x_stride_i + e);
        const float avg_pool2d_rows_6 = avg_pool2d_rows_5 + x_7;
        const float x_8 = *(x_8_at + k + j * x_stride_j + i * x_stride_i + e);
        const float avg_pool2d_rows_7 = avg_pool2d_rows_6 + x_8;
        const float x_9 = *(x_9_at + k + j * x_stride_j + i * x_stride_i + e);
        const float avg_pool2d_rows_8 = avg_pool2d_rows_7 + x_9;
        const float x_10 = *(x_10_at + k + j * x_stride_j + i * x_stride_i + e);
        const float avg_pool2d_rows_9 = avg_pool2d_rows_8 + x_10;
        const float avg_pool2d_rows_11 = avg_pool2d_rows_9 / 11.0f;
        out[e] = avg_pool2d_rows_11;
      }
      put(out_at + at, out);
    }
  }
}

// i < avg_pool2d_rows.shape[0] * avg_pool2d_rows.shape[1] * avg_pool2d_rows.shape[2], j < (avg_pool2d_rows.shape[3] - 11) // 11 + 1
extern "C" __global__ void __launch_bounds__(THREADS2) avg_pool2d_kernel(int64_t I, int64_t J, float* __restrict__ out_to, const float* __restrict__ avg_pool2d_rows_from, int64_t avg_pool2d_rows_stride_i) {
  const int64_t tile = blockIdx.x;
  const int64_t begin = tile * (THREADS2 * 4);
  const int count = (int)least(THREADS2 * 4, I * J - begin);
  float* const out_at = out_to + begin;
  const float* const avg_pool2d_rows_1_at = avg_pool2d_rows_from + 1;
  const float* const avg_pool2d_rows_2_at = avg_pool2d_rows_from + 2;
  const float* const avg_pool2d_rows_3_at = avg_pool2d_rows_from + 3;
  const float* const avg_pool2d_rows_4_at = avg_pool2d_rows_from + 4;
  const float* const avg_pool2d_rows_5_at = avg_pool2d_rows_from + 5;
  const float* const avg_pool2d_rows_6_at = avg_pool2d_rows_from + 6;
  const float* const avg_pool2d_rows_7_at = avg_pool2d_rows_from + 7;
  const float* const avg_pool2d_rows_8_at = avg_pool2d_rows_from + 8;
  const float* const avg_pool2d_rows_9_at = avg_pool2d_rows_from + 9;
  const float* const avg_pool2d_rows_10_at = avg_pool2d_rows_from + 10;
  #pragma unroll
  for (int v = 0; v < 4; ++v) {
    const int at = v * THREADS2 + (int)threadIdx.x;
    if (at < count) {
      const int i = (int)(begin + at) / (int)(J);
      const int j = (int)(begin + at) % (int)(J);
      float out[1];
      #pragma unroll
      for (int e = 0; e < 1; ++e) {
        const float avg_pool2d_rows = *(avg_pool2d_rows_from + j * 11 + i * avg_pool2d_rows_stride_i + e * 11);
        const float avg_pool2d_rows_1 = *(avg_pool2d_rows_1_at + j * 11 + i * avg_pool2d_rows_stride_i + e * 11);
        const float avg_pool2d = avg_pool2d_rows + avg_pool2d_rows_1;
        const float avg_pool2d_rows_2 = *(avg_pool2d_rows_2_at + j * 11 + i * avg_pool2d_rows_stride_i + e * 11);
        const float avg_pool2d_1 = avg_pool2d + avg_pool2d_rows_2;
        const float avg_pool2d_rows_3 = *(avg_pool2d_rows_3_at + j * 11 + i * avg_pool2d_rows_stride_i + e * 11);
        const float avg_pool2d_2 = avg_pool2d_1 + avg_pool2d_rows_3;
        const float avg_pool2d_rows_4 = *(avg_pool2d_rows_4_at + j * 11 + i * avg_pool2d_rows_stride_i + e * 11);
        const float avg_pool2d_3 = avg_pool2d_2 + avg_pool2d_rows_4;
        const float avg_pool2d_rows_5 = *(avg_pool2d_rows_5_at + j * 11 + i * avg_pool2d_rows_stride_i + e * 11);
        const float avg_pool2d_4 = avg_pool2d_3 + avg_pool2d_rows_5;
        const float avg_pool2d_rows_6 = *(avg_pool2d_rows_6_at + j * 11 + i * avg_pool2d_rows_stride_i + e * 11);
        const float avg_pool2d_5 = avg_pool2d_4 + avg_pool2d_rows_6;
        const float avg_pool2d_rows_7 = *(avg_pool2d_rows_7_at + j * 11 + i * avg_pool2d_rows_stride_i + e * 11);
        const float avg_pool2d_6 = avg_pool2d_5 + avg_pool2d_rows_7;
        const float avg_pool2d_rows_8 = *(avg_pool2d_rows_8_at + j * 11 + i * avg_pool2d_rows_stride_i + e * 11);
        const float avg_pool2d_7 = avg_pool2d_6 + avg_pool2d_rows_8;
        const float avg_pool2d_rows_9 = *(avg_pool2d_rows_9_at + j * 11 + i * avg_pool2d_rows_stride_i + e * 11);
        const float avg_pool2d_8 = avg_pool2d_7 + avg_pool2d_rows_9;
        const float avg_pool2d_rows_10 = *(avg_pool2d_rows_10_at + j * 11 + i * avg_pool2d_rows_stride_i + e * 11);
        const float avg_pool2d_9 = avg_pool2d_8 + avg_pool2d_rows_10;
        const float avg_pool2d_11 = avg_pool2d_9 / 11.0f;
        out[e] = avg_pool2d_11;
      }
      put(out_at + at, out);
    }
  }
}
