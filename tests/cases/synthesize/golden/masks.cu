/* /// kerf
version = 1
supports = "x.ndim == 2 and x.shape[0] == 64 and x.shape[1] == 300 and y.ndim == 2 and y.shape[0] == 64 and y.shape[1] == 300 and (y.shape[1]) % 4 == 0 and y.shape[1] <= 300"
[tune]
THREADS = [256, 128]
[[step]]
launch = "any_kernel"
grid = ["cdiv(y.shape[0], THREADS // 32)"]
block = ["THREADS"]
args = ["y.shape[0]", "y.shape[1]", "y", "x", "out0", "out1"]
[[step]]
call = "aten.msort.default"
args = ["out0"]
out = "out2"
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
// The larger one; NaN if either is.
__device__ inline float greater(float a, float b) { return a > b || a != a ? a : b; }
// The smaller one; NaN if either is.
__device__ inline float smaller(float a, float b) { return a < b || a != a ? a : b; }
// What two threads have becomes one.
struct Plus { template <class T> __device__ T operator()(T a, T b) const { return a + b; } };
struct Times { template <class T> __device__ T operator()(T a, T b) const { return a * b; } };
struct Greater { __device__ float operator()(float a, float b) const { return greater(a, b); } };
struct Smaller { __device__ float operator()(float a, float b) const { return smaller(a, b); } };
template <class T> __device__ inline T of_lane(T v, int away) { return __shfl_xor_sync(~0u, v, away); }
template <int width, class J> __device__ inline float joined(const float (&v)[width], J join) {
  float all = v[0];
#pragma unroll
  for (int k = 1; k < width; ++k) all = join(all, v[k]);
  return all;
}
template <int width> __device__ inline double in_double(const float (&v)[width]) {
  double all = v[0];
#pragma unroll
  for (int k = 1; k < width; ++k) all += v[k];
  return all;
}
// Joins what `lanes` neighbouring threads have: those of a warp, or of the whole block. All get the result.
template <int lanes, class T, class J> __device__ inline T across(T v, J join) {
#pragma unroll
  for (int away = (lanes < 32 ? lanes : 32) / 2; away > 0; away /= 2) v = join(v, of_lane(v, away));
  if constexpr (lanes > 32) {
    constexpr int warps = lanes / 32;
    __shared__ T part[warps];
    if (threadIdx.x % 32 == 0) part[threadIdx.x / 32] = v;
    __syncthreads();
    v = part[threadIdx.x % warps];
#pragma unroll
    for (int away = warps / 2; away > 0; away /= 2) v = join(v, of_lane(v, away));
    __syncthreads();
  }
  return v;
}

// i < y.shape[0], j < y.shape[1]
extern "C" __global__ void __launch_bounds__(THREADS) any_kernel(int64_t I, int64_t J, const float* __restrict__ y_from, const float* __restrict__ x_from, bool* __restrict__ out0_to, bool* __restrict__ out1_to) {
  const int64_t tile = blockIdx.x;
  const int lane = threadIdx.x % 32;
  const int64_t wanted = tile * (THREADS / 32) + threadIdx.x / 32;
  const int64_t row = least(wanted, I - 1);
  const int64_t i = row;
  const int count = (int)(J);
  constexpr int items = (300 + 32 * 4 - 1) / (32 * 4);  // vectors a thread
  float max_of_pass_1[1][4];
  #pragma unroll
  for (int e = 0; e < 4; ++e) {
    max_of_pass_1[0][e] = -infinity();
  }
  const float* const y_at = y_from + i * J;
  const float* const x_at = x_from + i * J;
  float y_[items][4];
  float x_[items][4];
  #pragma unroll
  for (int v = 0; v < items; ++v) {
    const int at = (v * 32 + lane) * 4;
    if (at < count) {
      get(y_[v], y_at + at);
      get(x_[v], x_at + at);
    }
  }
  #pragma unroll
  for (int v = 0; v < items; ++v) {
    const int at = (v * 32 + lane) * 4;
    if (at < count) {
      #pragma unroll
      for (int e = 0; e < 4; ++e) {
        const bool gt = x_[v][e] > y_[v][e];
        const bool isnan = x_[v][e] != x_[v][e];
        const bool logical_or = gt || isnan;
        const float any = logical_or ? 1.0f : 0.0f;
        max_of_pass_1[0][e] = greater(any, max_of_pass_1[0][e]);
      }
    }
  }
  const float max_of_pass_1_0 = across<32>(joined(max_of_pass_1[0], Greater()), Greater());
  const float any_1 = max_of_pass_1_0;
  const bool any_3 = any_1 != 0.0f;
  bool* const out0_at = out0_to + i * J;
  #pragma unroll
  for (int v = 0; v < items; ++v) {
    const int at = (v * 32 + lane) * 4;
    if (at < count) {
      bool out0[4];
      #pragma unroll
      for (int e = 0; e < 4; ++e) {
        const bool gt = x_[v][e] > y_[v][e];
        const bool isnan = x_[v][e] != x_[v][e];
        const bool logical_or = gt || isnan;
        out0[e] = logical_or;
      }
      scatter(out0_at + at, out0, 1);
    }
  }
  if (lane == 0 && row == wanted) {
    out1_to[i] = any_3;
  }
}
