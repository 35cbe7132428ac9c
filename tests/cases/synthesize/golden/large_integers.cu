/* /// kerf
version = 1
supports = "ids.ndim == 2 and ids.shape[0] == 40 and ids.shape[1] == 300 and others.ndim == 1 and others.shape[0] == 300 and x.ndim == 2 and x.shape[0] == 40 and x.shape[1] == 300 and (others.shape[0]) % 4 == 0 and ids.shape[0] * others.shape[0] < 2147483648"
[tune]
THREADS = [128, 256]
[[step]]
launch = "chosen_kernel"
grid = ["cdiv(ids.shape[0] * others.shape[0], THREADS * 4)"]
block = ["THREADS"]
args = ["ids.shape[0]", "others.shape[0]", "out", "others", "ids", "x"]
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

// i < ids.shape[0], j < others.shape[0]
extern "C" __global__ void __launch_bounds__(THREADS) chosen_kernel(int64_t I, int64_t J, float* __restrict__ out_to, const int64_t* __restrict__ others_from, const int64_t* __restrict__ ids_from, const float* __restrict__ x_from) {
  const int64_t tile = blockIdx.x;
  const int64_t begin = tile * (THREADS * 4);
  const int count = (int)least(THREADS * 4, I * J - begin);
  float* const out_at = out_to + begin;
  const int64_t* const ids_at = ids_from + begin;
  const float* const x_at = x_from + begin;
  int64_t others[1][4];
  int64_t ids[1][4];
  float x_[1][4];
  #pragma unroll
  for (int v = 0; v < 1; ++v) {
    const int at = (v * THREADS + (int)threadIdx.x) * 4;
    if (at < count) {
      const int i = (int)(begin + at) / (int)(J);
      const int j = (int)(begin + at) % (int)(J);
      gather(others[v], others_from + j, 1);
      gather(ids[v], ids_at + at, 1);
      get(x_[v], x_at + at);
    }
  }
  #pragma unroll
  for (int v = 0; v < 1; ++v) {
    const int at = (v * THREADS + (int)threadIdx.x) * 4;
    if (at < count) {
      const int i = (int)(begin + at) / (int)(J);
      const int j = (int)(begin + at) % (int)(J);
      float out[4];
      #pragma unroll
      for (int e = 0; e < 4; ++e) {
        const bool same = ids[v][e] == others[v][e];
        const float chosen_1 = same ? 0.0f : x_[v][e];
        out[e] = chosen_1;
      }
      put(out_at + at, out);
    }
  }
}
