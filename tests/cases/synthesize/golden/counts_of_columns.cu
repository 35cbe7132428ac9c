/* /// kerf
version = 1
supports = "x.ndim == 2 and x.shape[0] == 64 and x.shape[1] == 300 and z.ndim == 2 and z.shape[0] == 20 and z.shape[1] == 300 and (x.shape[1]) % 4 == 0 and x.shape[0] <= 64 and x.shape[1] <= 300"
[tune]
THREADS1 = [256, 512]
THREADS2 = [256, 512]
[[step]]
launch = "sum_kernel"
grid = ["cdiv(x.shape[1], THREADS1 // 8 * 4)"]
block = ["THREADS1"]
args = ["x.shape[1]", "x.shape[0]", "x", "out0"]
[[step]]
launch = "cdist_kernel"
grid = ["cdiv(z.shape[0], THREADS2 // 8 * 1) * min(10, x.shape[0])"]
block = ["THREADS2"]
args = ["cdiv(z.shape[0], THREADS2 // 8 * 1)", "z.shape[0]", "x.shape[1]", "z", "x.shape[1]", "x", "out1"]
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

// i < x.shape[0], j < x.shape[1]
extern "C" __global__ void __launch_bounds__(THREADS1) sum_kernel(int64_t J, int64_t I, const float* __restrict__ x_from, int64_t* __restrict__ out_to) {
  const int64_t tile = blockIdx.x;
  const int slice = threadIdx.x / (THREADS1 / 8);
  const int64_t wanted = (tile * (THREADS1 / 8) + threadIdx.x % (THREADS1 / 8)) * 4;
  const int64_t j = least(wanted, J - 4);
  const int count = (int)(I);
  constexpr int items = (64 + 8 - 1) / (8);  // vectors a thread
  float sum_of_pass_1[1][4] = {};
  const float* const x_at = x_from + j;
  float x_[items][4];
  #pragma unroll
  for (int v = 0; v < items; ++v) {
    const int at = v * 8 + slice;
    if (at < count) {
      get(x_[v], x_at + at * J);
    }
  }
  #pragma unroll
  for (int v = 0; v < items; ++v) {
    const int at = v * 8 + slice;
    if (at < count) {
      #pragma unroll
      for (int e = 0; e < 4; ++e) {
        const bool gt_1 = x_[v][e] > 0.5f;
        const float sum = gt_1 ? 1.0f : 0.0f;
        sum_of_pass_1[0][e] += sum;
      }
    }
  }
  float sum_1[4];
  #pragma unroll
  for (int e = 0; e < 4; ++e) sum_1[e] = (float)among<THREADS1 / 8, 8>((double)sum_of_pass_1[0][e], Plus());
  if (slice == 0 && j == wanted) {
    int64_t* const out_at = out_to + j;
    #pragma unroll
    for (int e = 0; e < 4; ++e) out_at[e * 1] = (int64_t)sum_1[e];
  }
}

// i < x.shape[1], j < min(10, x.shape[0]), k < z.shape[0]
extern "C" __global__ void __launch_bounds__(THREADS2) cdist_kernel(int64_t pieces, int64_t K, int64_t I, const float* __restrict__ z_from, int64_t z_stride_k, const float* __restrict__ x_from, float* __restrict__ out_to) {
  const int64_t tile = blockIdx.x;
  const int64_t row = tile / pieces, piece = tile % pieces;
  const int64_t j = row;
  const int slice = threadIdx.x / (THREADS2 / 8);
  const int64_t wanted = (piece * (THREADS2 / 8) + threadIdx.x % (THREADS2 / 8)) * 1;
  const int64_t k = least(wanted, K - 1);
  const int count = (int)(I);
  constexpr int items = (300 + 8 - 1) / (8);  // vectors a thread
  float sum_of_pass_1[1][1] = {};
  const float* const z_at = z_from + k * z_stride_k;
  float z_[items][1];
  #pragma unroll
  for (int v = 0; v < items; ++v) {
    const int at = v * 8 + slice;
    if (at < count) {
      const int i = at;
      gather(z_[v], z_at + at, z_stride_k);
    }
  }
  #pragma unroll
  for (int v = 0; v < items; ++v) {
    const int at = v * 8 + slice;
    if (at < count) {
      const int i = at;
      const float x_ = x_from[i + j * I];
      #pragma unroll
      for (int e = 0; e < 1; ++e) {
        const float cdist = x_ - z_[v][e];
        const float cdist_1 = cdist * cdist;
        sum_of_pass_1[0][e] += cdist_1;
      }
    }
  }
  float cdist_2[1];
  #pragma unroll
  for (int e = 0; e < 1; ++e) cdist_2[e] = (float)among<THREADS2 / 8, 8>((double)sum_of_pass_1[0][e], Plus());
  float cdist_3[1];
  #pragma unroll
  for (int e = 0; e < 1; ++e) {
    cdist_3[e] = sqrtf(cdist_2[e]);
  }
  if (slice == 0 && k == wanted) {
    float* const out_at = out_to + j * K + k;
    put(out_at, cdist_3);
  }
}
