/* /// kerf
version = 1
supports = "x.ndim == 4 and x.shape[0] == 2 and x.shape[1] == 3 and x.shape[2] == 32 and x.shape[3] == 48 and y.ndim == 4 and y.shape[0] == 2 and y.shape[1] == 3 and y.shape[2] == 64 and y.shape[3] == 96 and (2) % 2 == 0 and x.shape[0] * x.shape[1] * x.shape[2] * 2 * x.shape[3] * 2 < 2147483648"
[tune]
THREADS = [128, 256]
[[step]]
launch = "s_kernel"
grid = ["cdiv(x.shape[0] * x.shape[1] * x.shape[2] * 2 * x.shape[3] * 2, THREADS * 4)"]
block = ["THREADS"]
args = ["x.shape[0] * x.shape[1] * x.shape[2]", 2, "x.shape[3]", 2, "out", "y", "x"]
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

// i < x.shape[0] * x.shape[1] * x.shape[2], j < 2, k < x.shape[3], l < 2
extern "C" __global__ void __launch_bounds__(THREADS) s_kernel(int64_t I, int64_t J, int64_t K, int64_t L, float* __restrict__ out_to, const float* __restrict__ y_from, const float* __restrict__ x_from) {
  const int64_t tile = blockIdx.x;
  const int64_t begin = tile * (THREADS * 4);
  const int count = (int)least(THREADS * 4, I * J * K * L - begin);
  float* const out_at = out_to + begin;
  const float* const y_at = y_from + begin;
  float y_[2][2];
  #pragma unroll
  for (int v = 0; v < 2; ++v) {
    const int at = (v * THREADS + (int)threadIdx.x) * 2;
    if (at < count) {
      const int i = (int)(begin + at) / (int)(J * K * L);
      const int j = (int)(begin + at) / (int)(K * L) % (int)(J);
      const int k = (int)(begin + at) / (int)(L) % (int)(K);
      const int l = (int)(begin + at) % (int)(L);
      get(y_[v], y_at + at);
    }
  }
  #pragma unroll
  for (int v = 0; v < 2; ++v) {
    const int at = (v * THREADS + (int)threadIdx.x) * 2;
    if (at < count) {
      const int i = (int)(begin + at) / (int)(J * K * L);
      const int j = (int)(begin + at) / (int)(K * L) % (int)(J);
      const int k = (int)(begin + at) / (int)(L) % (int)(K);
      const int l = (int)(begin + at) % (int)(L);
      const float x_ = x_from[i * K + k];
      const float r_ = x_ < 0.0f ? 0.0f : x_;
      const float r_index = (float)j;
      const bool u_2 = r_index < 2.0f;
      const float u_3 = u_2 ? r_ : 0.0f;
      float out[2];
      #pragma unroll
      for (int e = 0; e < 2; ++e) {
        const float r_index_1 = (float)(l + e);
        const bool u_4 = r_index_1 < 2.0f;
        const float u_5 = u_4 ? u_3 : 0.0f;
        const float s_ = u_5 + y_[v][e];
        out[e] = s_;
      }
      put(out_at + at, out);
    }
  }
}
