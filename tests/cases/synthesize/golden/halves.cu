/* /// kerf
version = 1
supports = "x.ndim == 2 and x.shape[0] == 32 and x.shape[1] == 200 and x.shape[0] * min(100, x.shape[1]) < 2147483648"
[tune]
THREADS = [128, 256]
[[step]]
launch = "mul_kernel"
grid = ["cdiv(x.shape[0] * min(100, x.shape[1]), THREADS * 4)"]
block = ["THREADS"]
args = ["x.shape[0]", "min(100, x.shape[1])", "out", "x", "x.shape[1]"]
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
__device__ inline float sigmoid(float x) { return __fdividef(1.0f, 1.0f + expf(-x)); }

// i < x.shape[0], j < min(100, x.shape[1])
extern "C" __global__ void __launch_bounds__(THREADS) mul_kernel(int64_t I, int64_t J, float* __restrict__ out_to, const float* __restrict__ x_from, int64_t x_stride_i) {
  const int64_t tile = blockIdx.x;
  const int64_t begin = tile * (THREADS * 4);
  const int count = (int)least(THREADS * 4, I * J - begin);
  float* const out_at = out_to + begin;
  const float* const x_1_at = x_from + 100;
  #pragma unroll
  for (int v = 0; v < 4; ++v) {
    const int at = v * THREADS + (int)threadIdx.x;
    if (at < count) {
      const int i = (int)(begin + at) / (int)(J);
      const int j = (int)(begin + at) % (int)(J);
      float out[1];
      #pragma unroll
      for (int e = 0; e < 1; ++e) {
        const float x_ = *(x_from + j + i * x_stride_i + e);
        const float x_1 = *(x_1_at + j + i * x_stride_i + e);
        const float silu = sigmoid(x_);
        const float silu_1 = x_ * silu;
        const float mul = silu_1 * x_1;
        out[e] = mul;
      }
      put(out_at + at, out);
    }
  }
}
