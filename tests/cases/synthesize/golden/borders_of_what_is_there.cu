/* /// kerf
version = 1
supports = "x.ndim == 4 and x.shape[0] == 2 and x.shape[1] == 3 and x.shape[2] == 20 and x.shape[3] == 40 and (x.shape[0] * x.shape[1] * (x.shape[2] + 2)) * (x.shape[3] + 5) < 2147483648"
[tune]
THREADS = [128, 256]
[[step]]
launch = "mul_kernel"
grid = ["cdiv((x.shape[0] * x.shape[1] * (x.shape[2] + 2)) * (x.shape[3] + 5), THREADS * 4)"]
block = ["THREADS"]
args = ["x.shape[0] * x.shape[1]", "x.shape[2] + 2", "x.shape[3] + 5", "out", "x", "f32(x.shape[2] - 1)", "f32(x.shape[3] - 1)", "x.shape[3]", "x.shape[2] * x.shape[3]"]
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

// i < x.shape[0] * x.shape[1], j < x.shape[2] + 2, k < x.shape[3] + 5
extern "C" __global__ void __launch_bounds__(THREADS) mul_kernel(int64_t I, int64_t J, int64_t K, float* __restrict__ out_to, const float* __restrict__ x_picked_from, float pad_count_1_value, float pad_count_value, int64_t x_picked_stride_pick1, int64_t x_picked_stride_i) {
  const int64_t tile = blockIdx.x;
  const int64_t begin = tile * (THREADS * 4);
  const int count = (int)least(THREADS * 4, I * J * K - begin);
  float* const out_at = out_to + begin;
  #pragma unroll
  for (int v = 0; v < 4; ++v) {
    const int at = v * THREADS + (int)threadIdx.x;
    if (at < count) {
      const int i = (int)(begin + at) / (int)(J * K);
      const int j = (int)(begin + at) / (int)(K) % (int)(J);
      const int k = (int)(begin + at) % (int)(K);
      const float o_index_1 = (float)j;
      const float pad_7 = o_index_1 - 1.0f;
      const float pad_8 = fabsf(pad_7);
      const float pad_9 = pad_count_1_value - pad_8;
      const float pad_10 = fabsf(pad_9);
      const float pad_11 = pad_count_1_value - pad_10;
      float out[1];
      #pragma unroll
      for (int e = 0; e < 1; ++e) {
        const float o_index = (float)(k + e);
        const float pad_1 = o_index - 2.0f;
        const float pad_2 = fabsf(pad_1);
        const float pad_3 = pad_count_value - pad_2;
        const float pad_4 = fabsf(pad_3);
        const float pad_5 = pad_count_value - pad_4;
        const float x_picked = *(x_picked_from + (int64_t)pad_5 + (int64_t)pad_11 * x_picked_stride_pick1 + i * x_picked_stride_i);
        const float relu_picked = x_picked < 0.0f ? 0.0f : x_picked;
        const float mul_1 = relu_picked * 0.5f;
        out[e] = mul_1;
      }
      put(out_at + at, out);
    }
  }
}
