/* /// kerf
version = 1
supports = "x.ndim == 2 and x.shape[0] == 300 and x.shape[1] == 64 and graphs.ndim == 1 and graphs.shape[0] == 300 and chosen.ndim == 2 and chosen.shape[0] == 300 and chosen.shape[1] == 2 and weights.ndim == 2 and weights.shape[0] == 300 and weights.shape[1] == 2 and (64) % 2 == 0 and x.shape[0] <= 300 and x.shape[0] * x.shape[1] < 2147483648"
[tune]
THREADS1 = [256]
THREADS2 = [128, 256]
[[step]]
launch = "index_add_kernel"
grid = ["cdiv(64, THREADS1 // 8 * 2) * 12"]
block = ["THREADS1"]
args = ["cdiv(64, THREADS1 // 8 * 2)", 64, "x.shape[0]", "x", "graphs", "out0"]
[[step]]
launch = "scatter_kernel"
grid = ["cdiv(x.shape[0] * x.shape[1], THREADS2 * 4)"]
block = ["THREADS2"]
args = ["x.shape[0]", "x.shape[1]", "out1", "weights.shape[1]", "weights", "chosen.shape[1]", "chosen"]
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
// Joins what the `slices` threads of each of the block's columns have. All of them get the result.
template <int columns, int slices, class T, class J> __device__ inline T among(T v, J join) {
  if constexpr (slices > 1) {
    __shared__ T part[columns * slices];
    const int me = threadIdx.x;
    part[me] = v;
    __syncthreads();
#pragma unroll
    for (int half = slices / 2; half > 0; half /= 2) {
      if (me < columns * half) part[me] = join(part[me], part[me + columns * half]);
      __syncthreads();
    }
    v = part[me % columns];
    __syncthreads();
  }
  return v;
}

// i < x.shape[0], j < 12, k < 64
extern "C" __global__ void __launch_bounds__(THREADS1) index_add_kernel(int64_t pieces, int64_t K, int64_t I, const float* __restrict__ x_from, const int64_t* __restrict__ graphs_from, float* __restrict__ out_to) {
  const int64_t tile = blockIdx.x;
  const int64_t row = tile / pieces, piece = tile % pieces;
  const int64_t j = row;
  const int slice = threadIdx.x / (THREADS1 / 8);
  const int64_t wanted = (piece * (THREADS1 / 8) + threadIdx.x % (THREADS1 / 8)) * 2;
  const int64_t k = least(wanted, K - 2);
  const int count = (int)(I);
  constexpr int items = (300 + 8 - 1) / (8);  // vectors a thread
  const float e_index = (float)j;
  float sum_of_pass_1[1][2] = {};
  const float* const x_at = x_from + k;
  float x_[items][2];
  #pragma unroll
  for (int v = 0; v < items; ++v) {
    const int at = v * 8 + slice;
    if (at < count) {
      const int i = at;
      get(x_[v], x_at + at * K);
    }
  }
  #pragma unroll
  for (int v = 0; v < items; ++v) {
    const int at = v * 8 + slice;
    if (at < count) {
      const int i = at;
      const int64_t graphs = graphs_from[i];
      const float index_add = (float)graphs;
      const bool index_add_1 = index_add == e_index;
      #pragma unroll
      for (int e = 0; e < 2; ++e) {
        const float relu = x_[v][e] < 0.0f ? 0.0f : x_[v][e];
        const float index_add_2 = index_add_1 ? relu : 0.0f;
        sum_of_pass_1[0][e] += index_add_2;
      }
    }
  }
  float index_add_3[2];
  #pragma unroll
  for (int e = 0; e < 2; ++e) index_add_3[e] = (float)among<THREADS1 / 8, 8>((double)sum_of_pass_1[0][e], Plus());
  float index_add_4[2];
  #pragma unroll
  for (int e = 0; e < 2; ++e) {
    index_add_4[e] = 0.0f + index_add_3[e];
  }
  if (slice == 0 && k == wanted) {
    float* const out_at = out_to + j * K + k;
    put(out_at, index_add_4);
  }
}

// i < x.shape[0], j < x.shape[1]
extern "C" __global__ void __launch_bounds__(THREADS2) scatter_kernel(int64_t I, int64_t J, float* __restrict__ out_to, int64_t weights_stride_i, const float* __restrict__ weights_from, int64_t chosen_stride_i, const int64_t* __restrict__ chosen_from) {
  const int64_t tile = blockIdx.x;
  const int64_t begin = tile * (THREADS2 * 4);
  const int count = (int)least(THREADS2 * 4, I * J - begin);
  float* const out_at = out_to + begin;
  #pragma unroll
  for (int v = 0; v < 4; ++v) {
    const int at = v * THREADS2 + (int)threadIdx.x;
    if (at < count) {
      const int i = (int)(begin + at) / (int)(J);
      const int j = (int)(begin + at) % (int)(J);
      const float weights = weights_from[i * weights_stride_i];
      const int64_t chosen = chosen_from[i * chosen_stride_i];
      const float scatter_ = (float)chosen;
      const float weights_1 = weights_from[i * weights_stride_i + 1];
      const int64_t chosen_1 = chosen_from[i * chosen_stride_i + 1];
      const float scatter_3 = (float)chosen_1;
      float out[1];
      #pragma unroll
      for (int e = 0; e < 1; ++e) {
        const float j_index = (float)(j + e);
        const bool scatter_1 = scatter_ == j_index;
        const float scatter_2 = scatter_1 ? weights : 0.0f;
        const bool scatter_4 = scatter_3 == j_index;
        const float scatter_5 = scatter_4 ? weights_1 : scatter_2;
        out[e] = scatter_5;
      }
      put(out_at + at, out);
    }
  }
}
