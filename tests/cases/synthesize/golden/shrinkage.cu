/* /// kerf
version = 1
supports = "x.ndim == 3 and x.shape[0] == 32 and x.shape[1] == 16 and x.shape[2] == 256 and y.ndim == 3 and y.shape[0] == 32 and y.shape[1] == 16 and y.shape[2] == 256 and (x.shape[2]) % 4 == 0 and x.shape[0] * x.shape[1] * x.shape[2] < 2147483648"
[tune]
THREADS = [128, 256]
[[step]]
launch = "masked_fill_kernel"
grid = ["cdiv(x.shape[0] * x.shape[1] * x.shape[2], THREADS * 4)"]
block = ["THREADS"]
args = ["x.shape[0]", "x.shape[1]", "x.shape[2]", "out", "x", "y", "slope"]
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

// i < x.shape[0], j < x.shape[1], k < x.shape[2]
extern "C" __global__ void __launch_bounds__(THREADS) masked_fill_kernel(int64_t I, int64_t J, int64_t K, float* __restrict__ out_to, const float* __restrict__ x_from, const float* __restrict__ y_from, const float* __restrict__ slope_from) {
  const int64_t tile = blockIdx.x;
  const int64_t begin = tile * (THREADS * 4);
  const int count = (int)least(THREADS * 4, I * J * K - begin);
  const float softshrink_3 = -(0.2f);
  float* const out_at = out_to + begin;
  const float* const x_at = x_from + begin;
  const float* const y_at = y_from + begin;
  float x_[1][4];
  float y_[1][4];
  #pragma unroll
  for (int v = 0; v < 1; ++v) {
    const int at = (v * THREADS + (int)threadIdx.x) * 4;
    if (at < count) {
      const int i = (int)(begin + at) / (int)(J * K);
      const int j = (int)(begin + at) / (int)(K) % (int)(J);
      const int k = (int)(begin + at) % (int)(K);
      get(x_[v], x_at + at);
      get(y_[v], y_at + at);
    }
  }
  #pragma unroll
  for (int v = 0; v < 1; ++v) {
    const int at = (v * THREADS + (int)threadIdx.x) * 4;
    if (at < count) {
      const int i = (int)(begin + at) / (int)(J * K);
      const int j = (int)(begin + at) / (int)(K) % (int)(J);
      const int k = (int)(begin + at) % (int)(K);
      const float slope = slope_from[j];
      float out[4];
      #pragma unroll
      for (int e = 0; e < 4; ++e) {
        const float hardshrink_2 = fabsf(x_[v][e]);
        const bool hardshrink_3 = hardshrink_2 <= 0.3f;
        const float hardshrink_4 = hardshrink_3 ? 0.0f : x_[v][e];
        const float softshrink_1 = y_[v][e] * 0.0f;
        const float softshrink_2 = y_[v][e] + 0.2f;
        const bool softshrink_4 = y_[v][e] < softshrink_3;
        const float softshrink_5 = softshrink_4 ? softshrink_2 : softshrink_1;
        const float softshrink_6 = y_[v][e] - 0.2f;
        const bool softshrink_7 = y_[v][e] > 0.2f;
        const float softshrink_8 = softshrink_7 ? softshrink_6 : softshrink_5;
        const bool threshold_2 = y_[v][e] <= -0.5f;
        const float threshold_3 = threshold_2 ? -1.0f : y_[v][e];
        const float prelu = softshrink_8 * slope;
        const bool prelu_1 = softshrink_8 > 0.0f;
        const float prelu_2 = prelu_1 ? softshrink_8 : prelu;
        const float addcmul = prelu_2 * threshold_3;
        const float addcmul_1 = hardshrink_4 + addcmul;
        const bool gt = x_[v][e] > y_[v][e];
        const float masked_fill_1 = gt ? 2.0f : addcmul_1;
        out[e] = masked_fill_1;
      }
      put(out_at + at, out);
    }
  }
}
