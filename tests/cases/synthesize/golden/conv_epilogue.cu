/* /// kerf
version = 1
supports = "x.ndim == 4 and x.shape[0] == 2 and x.shape[1] == 8 and x.shape[2] == 16 and x.shape[3] == 16 and (x.shape[0] == 2 and x.shape[1] == 8 and x.shape[2] == 16 and x.shape[3] == 16)"
[tune]
THREADS = [128, 256]
[[step]]
call = "aten.conv2d.default"
args = ["x", "conv.weight"]
out = "conv2d"
[[step]]
launch = "add_kernel"
grid = ["cdiv(conv2d.shape[0] * conv2d.shape[1] * conv2d.shape[2] * conv2d.shape[3], THREADS * 4)"]
block = ["THREADS"]
args = ["conv2d.shape[0]", "conv2d.shape[1]", "conv2d.shape[2] * conv2d.shape[3]", "out", "conv2d", "bias"]
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

// i < conv2d.shape[0], j < conv2d.shape[1], k < conv2d.shape[2] * conv2d.shape[3]
extern "C" __global__ void __launch_bounds__(THREADS) add_kernel(int64_t I, int64_t J, int64_t K, float* __restrict__ out_to, const float* __restrict__ conv2d_from, const float* __restrict__ bias_from) {
  const int64_t tile = blockIdx.x;
  const int64_t begin = tile * (THREADS * 4);
  const int count = (int)least(THREADS * 4, I * J * K - begin);
  float* const out_at = out_to + begin;
  const float* const conv2d_at = conv2d_from + begin;
  float conv2d[1][4];
  #pragma unroll
  for (int v = 0; v < 1; ++v) {
    const int at = (v * THREADS + (int)threadIdx.x) * 4;
    if (at < count) {
      const int i = (int)(begin + at) / (int)(J * K);
      const int j = (int)(begin + at) / (int)(K) % (int)(J);
      const int k = (int)(begin + at) % (int)(K);
      get(conv2d[v], conv2d_at + at);
    }
  }
  #pragma unroll
  for (int v = 0; v < 1; ++v) {
    const int at = (v * THREADS + (int)threadIdx.x) * 4;
    if (at < count) {
      const int i = (int)(begin + at) / (int)(J * K);
      const int j = (int)(begin + at) / (int)(K) % (int)(J);
      const int k = (int)(begin + at) % (int)(K);
      const float bias = bias_from[j];
      float out[4];
      #pragma unroll
      for (int e = 0; e < 4; ++e) {
        const float relu = conv2d[v][e] < 0.0f ? 0.0f : conv2d[v][e];
        const float add = relu + bias;
        out[e] = add;
      }
      put(out_at + at, out);
    }
  }
}
