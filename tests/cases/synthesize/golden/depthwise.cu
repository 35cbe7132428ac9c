/* /// kerf
version = 1
supports = "x.ndim == 4 and x.shape[0] == 2 and x.shape[1] == 8 and x.shape[2] == 15 and x.shape[3] == 61"
[tune]
THREADS = [64]
[[step]]
launch = "clamp_kernel"
grid = ["cdiv(x.shape[3], THREADS * 1) * x.shape[0] * x.shape[1] * x.shape[2]"]
block = ["THREADS"]
args = ["cdiv(x.shape[3], THREADS * 1)", "x.shape[1]", "x.shape[2]", "x.shape[3]", "w.shape[2] * w.shape[3]", "w", "w.shape[3]", "b", "out", "x", "x.shape[2] * x.shape[3] * x.shape[1]", "x.shape[2] * x.shape[3]"]
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

// i < x.shape[0], j < x.shape[1], k < x.shape[2], l < x.shape[3]
extern "C" __global__ void __launch_bounds__(THREADS) clamp_kernel(int64_t pieces, int64_t J, int64_t K, int64_t L, int64_t w_stride_j, const float* __restrict__ w_from, int64_t w_3_step, const float* __restrict__ b_from, float* __restrict__ out_to, const float* __restrict__ x_from, int64_t x_stride_i, int64_t x_stride_j) {
  const int64_t tile = blockIdx.x;
  const int64_t row = tile / pieces, piece = tile % pieces;
  const int64_t i = row / (J * K);
  const int64_t j = row / K % J;
  const int64_t k = row % K;
  const int64_t begin = piece * (THREADS * 1);
  const int count = (int)least(THREADS * 1, L - begin);
  const float w_ = w_from[j * w_stride_j];
  const float w_1 = w_from[j * w_stride_j + 1];
  const float w_2 = w_from[j * w_stride_j + 2];
  const float w_3 = w_from[j * w_stride_j + 1 * w_3_step];
  const float w_4 = w_from[j * w_stride_j + 1 + 1 * w_3_step];
  const float w_5 = w_from[j * w_stride_j + 2 + 1 * w_3_step];
  const float w_6 = w_from[j * w_stride_j + 2 * w_3_step];
  const float w_7 = w_from[j * w_stride_j + 1 + 2 * w_3_step];
  const float w_8 = w_from[j * w_stride_j + 2 + 2 * w_3_step];
  const float b_ = b_from[j];
  float* const out_at = out_to + i * J * K * L + j * K * L + k * L + begin;
  const float* const x_at = x_from + i * x_stride_i + j * x_stride_j + k * L + -1 + -1 * L + begin;
  const float* const x_1_at = x_from + i * x_stride_i + j * x_stride_j + k * L + -1 * L + begin;
  const float* const x_2_at = x_from + i * x_stride_i + j * x_stride_j + k * L + 1 + -1 * L + begin;
  const float* const x_3_at = x_from + i * x_stride_i + j * x_stride_j + k * L + -1 + begin;
  const float* const x_4_at = x_from + i * x_stride_i + j * x_stride_j + k * L + begin;
  const float* const x_5_at = x_from + i * x_stride_i + j * x_stride_j + k * L + 1 + begin;
  const float* const x_6_at = x_from + i * x_stride_i + j * x_stride_j + k * L + -1 + 1 * L + begin;
  const float* const x_7_at = x_from + i * x_stride_i + j * x_stride_j + k * L + 1 * L + begin;
  const float* const x_8_at = x_from + i * x_stride_i + j * x_stride_j + k * L + 1 + 1 * L + begin;
  #pragma unroll
  for (int v = 0; v < 1; ++v) {
    const int at = v * THREADS + (int)threadIdx.x;
    if (at < count) {
      const int l = (int)(begin + at);
      float out[1];
      #pragma unroll
      for (int e = 0; e < 1; ++e) {
        const float x_ = (l + e) + -1 >= 0 && k + -1 >= 0 ? *(x_at + at + e) : 0.0f;
        const float c_ = x_ * w_;
        const float x_1 = k + -1 >= 0 ? *(x_1_at + at + e) : 0.0f;
        const float c_1 = x_1 * w_1;
        const float c_2 = c_ + c_1;
        const float x_2 = (l + e) + 1 < L && k + -1 >= 0 ? *(x_2_at + at + e) : 0.0f;
        const float c_3 = x_2 * w_2;
        const float c_4 = c_2 + c_3;
        const float x_3 = (l + e) + -1 >= 0 ? *(x_3_at + at + e) : 0.0f;
        const float c_5 = x_3 * w_3;
        const float c_6 = c_4 + c_5;
        const float x_4 = *(x_4_at + at + e);
        const float c_7 = x_4 * w_4;
        const float c_8 = c_6 + c_7;
        const float x_5 = (l + e) + 1 < L ? *(x_5_at + at + e) : 0.0f;
        const float c_9 = x_5 * w_5;
        const float c_10 = c_8 + c_9;
        const float x_6 = (l + e) + -1 >= 0 && k + 1 < K ? *(x_6_at + at + e) : 0.0f;
        const float c_11 = x_6 * w_6;
        const float c_12 = c_10 + c_11;
        const float x_7 = k + 1 < K ? *(x_7_at + at + e) : 0.0f;
        const float c_13 = x_7 * w_7;
        const float c_14 = c_12 + c_13;
        const float x_8 = (l + e) + 1 < L && k + 1 < K ? *(x_8_at + at + e) : 0.0f;
        const float c_15 = x_8 * w_8;
        const float c_16 = c_14 + c_15;
        const float c_17 = c_16 + b_;
        const float clamp_2 = greater(c_17, 0.0f);
        const float clamp_3 = smaller(clamp_2, 6.0f);
        out[e] = clamp_3;
      }
      put(out_at + at, out);
    }
  }
}
