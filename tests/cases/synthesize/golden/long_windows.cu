/* /// kerf
version = 1
supports = "x.ndim == 3 and x.shape[0] == 2 and x.shape[1] == 3 and x.shape[2] == 5000"
[tune]
THREADS = [128, 256]
[[step]]
launch = "y_kernel"
grid = ["cdiv(x.shape[2] - 13, THREADS * 4) * x.shape[0] * x.shape[1]"]
block = ["THREADS"]
args = ["cdiv(x.shape[2] - 13, THREADS * 4)", "x.shape[2] - 13", "out", "x", "x.shape[2]"]
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
__device__ inline float infinity() { return __int_as_float(0x7f800000); }
__device__ inline float not_a_number() { return __int_as_float(0x7fc00000); }
// The larger one; NaN if either is.
__device__ inline float greater(float a, float b) { return a > b || a != a ? a : b; }

// i < x.shape[0] * x.shape[1], j < x.shape[2] - 13
extern "C" __global__ void __launch_bounds__(THREADS) y_kernel(int64_t pieces, int64_t J, float* __restrict__ out_to, const float* __restrict__ x_from, int64_t x_stride_i) {
  const int64_t tile = blockIdx.x;
  const int64_t row = tile / pieces, piece = tile % pieces;
  const int64_t i = row;
  const int64_t begin = piece * (THREADS * 4);
  const int count = (int)least(THREADS * 4, J - begin);
  float* const out_at = out_to + i * J + begin;
  const float* const x_at = x_from + i * x_stride_i + -4 + begin;
  const float* const x_1_at = x_from + i * x_stride_i + -1 + begin;
  const float* const x_2_at = x_from + i * x_stride_i + 2 + begin;
  const float* const x_3_at = x_from + i * x_stride_i + 5 + begin;
  const float* const x_4_at = x_from + i * x_stride_i + 8 + begin;
  const float* const x_5_at = x_from + i * x_stride_i + 11 + begin;
  const float* const x_6_at = x_from + i * x_stride_i + 14 + begin;
  const float* const x_7_at = x_from + i * x_stride_i + 17 + begin;
  #pragma unroll
  for (int v = 0; v < 4; ++v) {
    const int at = v * THREADS + (int)threadIdx.x;
    if (at < count) {
      const int j = (int)(begin + at);
      float out[1];
      #pragma unroll
      for (int e = 0; e < 1; ++e) {
        const float x_ = (j + e) + -4 >= 0 ? *(x_at + at + e) : -infinity();
        const float x_1 = (j + e) + -1 >= 0 ? *(x_1_at + at + e) : -infinity();
        const float pool = greater(x_, x_1);
        const float x_2 = *(x_2_at + at + e);
        const float pool_1 = greater(pool, x_2);
        const float x_3 = *(x_3_at + at + e);
        const float pool_2 = greater(pool_1, x_3);
        const float x_4 = *(x_4_at + at + e);
        const float pool_3 = greater(pool_2, x_4);
        const float x_5 = *(x_5_at + at + e);
        const float pool_4 = greater(pool_3, x_5);
        const float x_6 = (j + e) + 14 < x_stride_i ? *(x_6_at + at + e) : -infinity();
        const float pool_5 = greater(pool_4, x_6);
        const float x_7 = (j + e) + 17 < x_stride_i ? *(x_7_at + at + e) : -infinity();
        const float pool_6 = greater(pool_5, x_7);
        const float y_ = pool_6 < 0.0f ? 0.0f : pool_6;
        out[e] = y_;
      }
      put(out_at + at, out);
    }
  }
}
