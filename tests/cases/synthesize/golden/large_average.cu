/* /// kerf
version = 1
supports = "x.ndim == 4 and x.shape[0] == 2 and x.shape[1] == 4 and x.shape[2] == 90 and x.shape[3] == 200 and 40 <= 40"
[tune]
THREADS = [128, 256]
[[step]]
launch = "avg_pool2d_kernel"
grid = ["cdiv(x.shape[3], THREADS // 4 * 1) * (x.shape[0] * x.shape[1] * ((x.shape[2] - 40) // 10 + 1))"]
block = ["THREADS"]
args = ["cdiv(x.shape[3], THREADS // 4 * 1)", "(x.shape[2] - 40) // 10 + 1", "x.shape[3]", 40, "x", "x.shape[2] * x.shape[3]", "x.shape[3] * 10", "out"]
/// */

__device__ inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
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

// i < 40, j < x.shape[0] * x.shape[1], k < (x.shape[2] - 40) // 10 + 1, l < x.shape[3]
extern "C" __global__ void __launch_bounds__(THREADS) avg_pool2d_kernel(int64_t pieces, int64_t K, int64_t L, int64_t I, const float* __restrict__ x_from, int64_t x_stride_j, int64_t x_stride_k, float* __restrict__ out_to) {
  const int64_t tile = blockIdx.x;
  const int64_t row = tile / pieces, piece = tile % pieces;
  const int64_t j = row / K;
  const int64_t k = row % K;
  const int slice = threadIdx.x / (THREADS / 4);
  const int64_t wanted = (piece * (THREADS / 4) + threadIdx.x % (THREADS / 4)) * 1;
  const int64_t l = least(wanted, L - 1);
  const int count = (int)(I);
  constexpr int items = (40 + 4 - 1) / (4);  // vectors a thread
  float sum_of_pass_1[1][1] = {};
  const float* const x_at = x_from + j * x_stride_j + k * x_stride_k + l;
  #pragma unroll
  for (int v = 0; v < items; ++v) {
    const int at = v * 4 + slice;
    if (at < count) {
      #pragma unroll
      for (int e = 0; e < 1; ++e) {
        const float x_ = *(x_at + at * L + e);
        sum_of_pass_1[0][e] += x_;
      }
    }
  }
  float avg_pool2d[1];
  #pragma unroll
  for (int e = 0; e < 1; ++e) avg_pool2d[e] = (float)among<THREADS / 4, 4>((double)sum_of_pass_1[0][e], Plus());
  float avg_pool2d_2[1];
  #pragma unroll
  for (int e = 0; e < 1; ++e) {
    avg_pool2d_2[e] = avg_pool2d[e] / 40.0f;
  }
  if (slice == 0 && l == wanted) {
    float* const out_at = out_to + j * K * L + k * L + l;
    put(out_at, avg_pool2d_2);
  }
}
