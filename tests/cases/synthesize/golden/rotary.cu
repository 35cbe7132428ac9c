/* /// kerf
version = 1
supports = "x.ndim == 4 and x.shape[0] == 2 and x.shape[1] == 4 and x.shape[2] == 32 and x.shape[3] == 16 and x.shape[0] * x.shape[1] * x.shape[2] * x.shape[3] < 2147483648"
[tune]
THREADS = [128, 256]
[[step]]
launch = "add_kernel"
grid = ["cdiv(x.shape[0] * x.shape[1] * x.shape[2] * x.shape[3], THREADS * 4)"]
block = ["THREADS"]
args = ["x.shape[0] * x.shape[1] * x.shape[2]", "x.shape[3]", "out", "x", "0 - x.shape[3] + 8", "f32(x.shape[3] - 8)"]
/// */

__device__ inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
// A vector from memory; of `left` elements at the end of a tensor.
__device__ inline void get(float (&to)[1], const float* from) { to[0] = *from; }
__device__ inline void get(float (&to)[2], const float* from) {
  const float2 v = *(const float2*)from;
  to[0] = v.x, to[1] = v.y;
}
__device__ inline void get(float (&to)[4], const float* from) {
  const float4 v = *(const float4*)from;
  to[0] = v.x, to[1] = v.y, to[2] = v.z, to[3] = v.w;
}
template <class T, int width> __device__ inline void gather(T (&to)[width], const T* from, int64_t stride, int left = width) {
#pragma unroll
  for (int k = 0; k < width; ++k) to[k] = k < left ? from[k * stride] : T();
}
template <int width> __device__ inline void get(float (&to)[width], const float* from, int left) {
  if (left >= width) get(to, from); else gather(to, from, 1, left);
}
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

// i < x.shape[0] * x.shape[1] * x.shape[2], j < x.shape[3]
extern "C" __global__ void __launch_bounds__(THREADS) add_kernel(int64_t I, int64_t J, float* __restrict__ out_to, const float* __restrict__ x_from, int64_t x_1_shift, float turned_count_value) {
  const int64_t tile = blockIdx.x;
  const int64_t begin = tile * (THREADS * 4);
  const int count = (int)least(THREADS * 4, I * J - begin);
  float* const out_at = out_to + begin;
  const float* const x_at = x_from + begin;
  const float* const x_1_at = x_from + x_1_shift + begin;
  const float* const x_2_at = x_from + 8 + begin;
  float x_[4][1];
  #pragma unroll
  for (int v = 0; v < 4; ++v) {
    const int at = v * THREADS + (int)threadIdx.x;
    if (at < count) {
      const int i = (int)(begin + at) / (int)(J);
      const int j = (int)(begin + at) % (int)(J);
      get(x_[v], x_at + at);
    }
  }
  #pragma unroll
  for (int v = 0; v < 4; ++v) {
    const int at = v * THREADS + (int)threadIdx.x;
    if (at < count) {
      const int i = (int)(begin + at) / (int)(J);
      const int j = (int)(begin + at) % (int)(J);
      float out[1];
      #pragma unroll
      for (int e = 0; e < 1; ++e) {
        const float o_index = (float)(j + e);
        const float x_1 = (j + e) + x_1_shift >= 0 ? *(x_1_at + at + e) : 0.0f;
        const float x_2 = (j + e) + 8 < J ? *(x_2_at + at + e) : 0.0f;
        const float neg = -(x_2);
        const bool turned = o_index < turned_count_value;
        const float turned_1 = turned ? neg : x_1;
        const float rates_2 = o_index * 1.0f;
        const float rates_3 = -8.0f + rates_2;
        const float scaled_1 = rates_3 * -0.5f;
        const float rate = expf(scaled_1);
        const float rates_5 = 0.0f + rates_2;
        const float scaled_2 = rates_5 * -0.5f;
        const float rate_1 = expf(scaled_2);
        const bool rates_7 = o_index < 8.0f;
        const float rates_8 = rates_7 ? rate_1 : rate;
        const float mul = turned_1 * rates_8;
        const float add = x_[v][e] + mul;
        out[e] = add;
      }
      put(out_at + at, out);
    }
  }
}
