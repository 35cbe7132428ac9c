/* /// kerf
version = 1
supports = "x.ndim == 2 and x.shape[0] == 16 and x.shape[1] == 40 and y.ndim == 2 and y.shape[0] == 16 and y.shape[1] == 24 and (y.shape[1]) % 4 == 0 and y.shape[1] <= 24 and (x.shape[1]) % 4 == 0 and x.shape[0] * x.shape[1] < 2147483648"
[tune]
THREADS1 = [256, 128]
THREADS2 = [128, 256]
[[scratch]]
name = "amax"
dtype = "f32"
shape = ["y.shape[0]", 1]
[[step]]
launch = "amax_kernel"
grid = ["cdiv(y.shape[0], THREADS1 // 2)"]
block = ["THREADS1"]
args = ["y.shape[0]", "y.shape[1]", "y", "amax"]
[[step]]
launch = "add_kernel"
grid = ["cdiv(x.shape[0] * x.shape[1], THREADS2 * 4)"]
block = ["THREADS2"]
args = ["x.shape[0]", "x.shape[1]", "out", "x", "amax"]
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
extern "C" __global__ void __launch_bounds__(THREADS1) amax_kernel(int64_t I, int64_t J, const float* __restrict__ y_from, float* __restrict__ out_to) {
  const int64_t tile = blockIdx.x;
  const int lane = threadIdx.x % 2;
  const int64_t wanted = tile * (THREADS1 / 2) + threadIdx.x / 2;
  const int64_t row = least(wanted, I - 1);
  const int64_t i = row;
  const int count = (int)(J);
  constexpr int items = (24 + 2 * 4 - 1) / (2 * 4);  // vectors a thread
  float max_of_pass_1[1][4];
  #pragma unroll
  for (int e = 0; e < 4; ++e) {
    max_of_pass_1[0][e] = -infinity();
  }
  const float* const y_at = y_from + i * J;
  float y_[items][4];
  #pragma unroll
  for (int v = 0; v < items; ++v) {
    const int at = (v * 2 + lane) * 4;
    if (at < count) {
      get(y_[v], y_at + at);
    }
  }
  #pragma unroll
  for (int v = 0; v < items; ++v) {
    const int at = (v * 2 + lane) * 4;
    if (at < count) {
      #pragma unroll
      for (int e = 0; e < 4; ++e) {
        max_of_pass_1[0][e] = greater(y_[v][e], max_of_pass_1[0][e]);
      }
    }
  }
  const float max_of_pass_1_0 = across<2>(joined(max_of_pass_1[0], Greater()), Greater());
  const float amax = max_of_pass_1_0;
  if (lane == 0 && row == wanted) {
    out_to[i] = amax;
  }
}

// i < x.shape[0], j < x.shape[1]
extern "C" __global__ void __launch_bounds__(THREADS2) add_kernel(int64_t I, int64_t J, float* __restrict__ out_to, const float* __restrict__ x_from, const float* __restrict__ amax_from) {
  const int64_t tile = blockIdx.x;
  const int64_t begin = tile * (THREADS2 * 4);
  const int count = (int)least(THREADS2 * 4, I * J - begin);
  float* const out_at = out_to + begin;
  const float* const x_at = x_from + begin;
  float x_[1][4];
  #pragma unroll
  for (int v = 0; v < 1; ++v) {
    const int at = (v * THREADS2 + (int)threadIdx.x) * 4;
    if (at < count) {
      const int i = (int)(begin + at) / (int)(J);
      const int j = (int)(begin + at) % (int)(J);
      get(x_[v], x_at + at);
    }
  }
  #pragma unroll
  for (int v = 0; v < 1; ++v) {
    const int at = (v * THREADS2 + (int)threadIdx.x) * 4;
    if (at < count) {
      const int i = (int)(begin + at) / (int)(J);
      const int j = (int)(begin + at) % (int)(J);
      const float amax = amax_from[i];
      float out[4];
      #pragma unroll
      for (int e = 0; e < 4; ++e) {
        const float add = amax + x_[v][e];
        out[e] = add;
      }
      put(out_at + at, out);
    }
  }
}
