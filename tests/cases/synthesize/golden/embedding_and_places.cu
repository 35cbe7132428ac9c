/* /// kerf
version = 1
supports = "tokens.ndim == 2 and tokens.shape[0] == 4 and tokens.shape[1] == 10 and (table.shape[1]) % 4 == 0 and tokens.shape[0] * tokens.shape[1] * table.shape[1] < 2147483648"
[tune]
THREADS = [128, 256]
[[step]]
launch = "sum_kernel"
grid = ["cdiv(tokens.shape[0] * tokens.shape[1] * table.shape[1], THREADS * 4)"]
block = ["THREADS"]
args = ["tokens.shape[0]", "tokens.shape[1]", "table.shape[1]", "out", "table", "place", "tokens", "table.shape[1]"]
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

// i < tokens.shape[0], j < tokens.shape[1], k < table.shape[1]
extern "C" __global__ void __launch_bounds__(THREADS) sum_kernel(int64_t I, int64_t J, int64_t K, float* __restrict__ out_to, const float* __restrict__ table_picked_from, const float* __restrict__ place_from, const int64_t* __restrict__ tokens_from, int64_t table_picked_stride_pick) {
  const int64_t tile = blockIdx.x;
  const int64_t begin = tile * (THREADS * 4);
  const int count = (int)least(THREADS * 4, I * J * K - begin);
  float* const out_at = out_to + begin;
  float table_picked[1][4];
  float place[1][4];
  #pragma unroll
  for (int v = 0; v < 1; ++v) {
    const int at = (v * THREADS + (int)threadIdx.x) * 4;
    if (at < count) {
      const int i = (int)(begin + at) / (int)(J * K);
      const int j = (int)(begin + at) / (int)(K) % (int)(J);
      const int k = (int)(begin + at) % (int)(K);
      const int64_t tokens = tokens_from[i * J + j];
      get(table_picked[v], table_picked_from + tokens * table_picked_stride_pick + k);
      get(place[v], place_from + k + j * K);
    }
  }
  #pragma unroll
  for (int v = 0; v < 1; ++v) {
    const int at = (v * THREADS + (int)threadIdx.x) * 4;
    if (at < count) {
      const int i = (int)(begin + at) / (int)(J * K);
      const int j = (int)(begin + at) / (int)(K) % (int)(J);
      const int k = (int)(begin + at) % (int)(K);
      const int64_t tokens = tokens_from[i * J + j];
      float out[4];
      #pragma unroll
      for (int e = 0; e < 4; ++e) {
        const float scaled_1 = table_picked[v][e] * 4.0f;
        const float sum = scaled_1 + place[v][e];
        out[e] = sum;
      }
      put(out_at + at, out);
    }
  }
}
