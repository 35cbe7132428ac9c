/* /// kerf
version = 1
supports = "x.ndim == 2 and x.shape[0] == 64 and x.shape[1] == 1000 and z.ndim == 2 and z.shape[0] == 64 and z.shape[1] == 100 and z.shape[0] * x.shape[1] < 2147483648"
[tune]
THREADS = [128, 256]
[[step]]
launch = "y_kernel"
grid = ["cdiv(z.shape[0] * x.shape[1], THREADS * 4)"]
block = ["THREADS"]
args = ["z.shape[0]", "x.shape[1]", "out", "x", "z", "f32(min(400, x.shape[1]))", "z.shape[1]"]
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

// i < z.shape[0], j < x.shape[1]
extern "C" __global__ void __launch_bounds__(THREADS) y_kernel(int64_t I, int64_t J, float* __restrict__ out_to, const float* __restrict__ x_from, const float* __restrict__ z_from, float s_count_value, int64_t z_stride_i) {
  const int64_t tile = blockIdx.x;
  const int64_t begin = tile * (THREADS * 4);
  const int count = (int)least(THREADS * 4, I * J - begin);
  float* const out_at = out_to + begin;
  const float* const x_at = x_from + begin;
  const float* const z_at = z_from + -300;
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
        const float j_index = (float)(j + e);
        const bool s_ = j_index < s_count_value;
        const bool s_2 = j_index >= 300.0f;
        const bool s_3 = s_2 && s_;
        const float z_ = (j + e) + -300 >= 0 && (j + e) + -300 < z_stride_i ? *(z_at + j + i * z_stride_i + e) : 0.0f;
        const float r_ = z_ < 0.0f ? 0.0f : z_;
        const float s_4 = s_3 ? r_ : x_[v][e];
        const float y_1 = s_4 * 2.0f;
        out[e] = y_1;
      }
      put(out_at + at, out);
    }
  }
}
