/* /// kerf
version = 1
supports = "q.ndim == 4 and q.shape[0] == 8 and q.shape[1] == 12 and q.shape[2] == 1024 and q.shape[3] == 64 and k.ndim == 4 and k.shape[0] == 8 and k.shape[1] == 12 and k.shape[2] == 1024 and k.shape[3] == 64 and v.ndim == 4 and v.shape[0] == 8 and v.shape[1] == 12 and v.shape[2] == 1024 and v.shape[3] == 64 and (seen.shape[2] * seen.shape[3]) % 4 == 0"
[tune]
THREADS = [128, 256]
[[scratch]]
name = "relu"
dtype = "f32"
shape = ["scores.shape[0]", "scores.shape[1]", "seen.shape[2]", "seen.shape[3]"]
[[step]]
call = "aten.transpose.int"
args = ["k", -2, -1]
out = "kt"
[[step]]
call = "aten.matmul.default"
args = ["q", "kt"]
out = "scores"
[[step]]
launch = "relu_kernel"
grid = ["cdiv(seen.shape[2] * seen.shape[3], THREADS * 4) * scores.shape[0] * scores.shape[1]"]
block = ["THREADS"]
args = ["cdiv(seen.shape[2] * seen.shape[3], THREADS * 4)", "seen.shape[2] * seen.shape[3]", "relu", "seen", "scores"]
[[step]]
call = "aten.matmul.default"
args = ["relu", "v"]
out = "out"
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
__device__ inline float infinity() { return __int_as_float(0x7f800000); }
__device__ inline float not_a_number() { return __int_as_float(0x7fc00000); }

// i < scores.shape[0] * scores.shape[1], j < seen.shape[2] * seen.shape[3]
extern "C" __global__ void __launch_bounds__(THREADS) relu_kernel(int64_t pieces, int64_t J, float* __restrict__ out_to, const float* __restrict__ seen_from, const float* __restrict__ scores_from) {
  const int64_t tile = blockIdx.x;
  const int64_t row = tile / pieces, piece = tile % pieces;
  const int64_t i = row;
  const int64_t begin = piece * (THREADS * 4);
  const int count = (int)least(THREADS * 4, J - begin);
  float* const out_at = out_to + i * J + begin;
  const float* const seen_at = seen_from + begin;
  const float* const scores_at = scores_from + i * J + begin;
  float seen[1][4];
  float scores[1][4];
  #pragma unroll
  for (int v = 0; v < 1; ++v) {
    const int at = (v * THREADS + (int)threadIdx.x) * 4;
    if (at < count) {
      get(seen[v], seen_at + at);
      get(scores[v], scores_at + at);
    }
  }
  #pragma unroll
  for (int v = 0; v < 1; ++v) {
    const int at = (v * THREADS + (int)threadIdx.x) * 4;
    if (at < count) {
      float out[4];
      #pragma unroll
      for (int e = 0; e < 4; ++e) {
        const bool eq_1 = seen[v][e] == 0.0f;
        const float fill_1 = eq_1 ? -infinity() : scores[v][e];
        const float relu = fill_1 < 0.0f ? 0.0f : fill_1;
        out[e] = relu;
      }
      put(out_at + at, out);
    }
  }
}
