/* /// kerf
version = 1
supports = "q.ndim == 4 and q.shape[0] == 8 and q.shape[1] == 12 and q.shape[2] == 1024 and q.shape[3] == 64 and k.ndim == 4 and k.shape[0] == 8 and k.shape[1] == 12 and k.shape[2] == 1000 and k.shape[3] == 64 and v.ndim == 4 and v.shape[0] == 8 and v.shape[1] == 12 and v.shape[2] == 1000 and v.shape[3] == 48 and bias.ndim == 3 and bias.shape[0] == 12 and bias.shape[1] == 1024 and bias.shape[2] == 1000"
[tune]
THREADS1 = [128, 256]
THREADS2 = [128, 256]
[[scratch]]
name = "mask"
dtype = "f32"
shape = ["bias.shape[0]", "bias.shape[1]", "bias.shape[2]"]
[[step]]
launch = "mask_kernel"
grid = ["cdiv(bias.shape[0] * bias.shape[1] * bias.shape[2], THREADS1 * 4)"]
block = ["THREADS1"]
args = ["bias.shape[0] * bias.shape[1] * bias.shape[2]", "mask", "bias"]
[[step]]
call = "aten.scaled_dot_product_attention.default"
args = ["q", "k", "v", "mask"]
out = "attended"
[[step]]
launch = "relu_kernel"
grid = ["cdiv(attended.shape[0] * attended.shape[1] * attended.shape[2] * attended.shape[3], THREADS2 * 4)"]
block = ["THREADS2"]
args = ["attended.shape[0] * attended.shape[1] * attended.shape[2] * attended.shape[3]", "out", "attended"]
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

// i < bias.shape[0] * bias.shape[1] * bias.shape[2]
extern "C" __global__ void __launch_bounds__(THREADS1) mask_kernel(int64_t I, float* __restrict__ out_to, const float* __restrict__ bias_from) {
  const int64_t tile = blockIdx.x;
  const int64_t begin = tile * (THREADS1 * 4);
  const int count = (int)least(THREADS1 * 4, I - begin);
  float* const out_at = out_to + begin;
  const float* const bias_at = bias_from + begin;
  float bias[1][4];
  #pragma unroll
  for (int v = 0; v < 1; ++v) {
    const int at = (v * THREADS1 + (int)threadIdx.x) * 4;
    if (at < count) {
      get(bias[v], bias_at + at, count - at);
    }
  }
  #pragma unroll
  for (int v = 0; v < 1; ++v) {
    const int at = (v * THREADS1 + (int)threadIdx.x) * 4;
    if (at < count) {
      float out[4];
      #pragma unroll
      for (int e = 0; e < 4; ++e) {
        const float mask_1 = bias[v][e] * 0.5f;
        out[e] = mask_1;
      }
      put(out_at + at, out, count - at);
    }
  }
}

// i < attended.shape[0] * attended.shape[1] * attended.shape[2] * attended.shape[3]
extern "C" __global__ void __launch_bounds__(THREADS2) relu_kernel(int64_t I, float* __restrict__ out_to, const float* __restrict__ attended_from) {
  const int64_t tile = blockIdx.x;
  const int64_t begin = tile * (THREADS2 * 4);
  const int count = (int)least(THREADS2 * 4, I - begin);
  float* const out_at = out_to + begin;
  const float* const attended_at = attended_from + begin;
  float attended[1][4];
  #pragma unroll
  for (int v = 0; v < 1; ++v) {
    const int at = (v * THREADS2 + (int)threadIdx.x) * 4;
    if (at < count) {
      get(attended[v], attended_at + at, count - at);
    }
  }
  #pragma unroll
  for (int v = 0; v < 1; ++v) {
    const int at = (v * THREADS2 + (int)threadIdx.x) * 4;
    if (at < count) {
      float out[4];
      #pragma unroll
      for (int e = 0; e < 4; ++e) {
        const float relu = attended[v][e] < 0.0f ? 0.0f : attended[v][e];
        out[e] = relu;
      }
      put(out_at + at, out, count - at);
    }
  }
}
