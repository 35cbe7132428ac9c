/* /// kerf
version = 1
supports = "x.ndim == 4 and x.shape[0] == 64 and x.shape[1] == 3 and x.shape[2] == 32 and x.shape[3] == 32 and (x.shape[1] * ((x.shape[2] - 4) // 4 + 1)) * ((x.shape[3] - 4) // 4 + 1) <= 192"
[tune]
THREADS = [128, 256]
[[step]]
launch = "sum_1_kernel"
grid = ["x.shape[0]"]
block = ["THREADS"]
args = ["x.shape[1] * ((x.shape[2] - 4) // 4 + 1)", "(x.shape[3] - 4) // 4 + 1", "x", "x.shape[2] * x.shape[3] * x.shape[1]", "x.shape[3]", "x.shape[3] * 4", "out"]
/// */

__device__ inline float infinity() { return __int_as_float(0x7f800000); }
__device__ inline float not_a_number() { return __int_as_float(0x7fc00000); }
// The larger one; NaN if either is.
__device__ inline float greater(float a, float b) { return a > b || a != a ? a : b; }
// The smaller one; NaN if either is.
__device__ inline float smaller(float a, float b) { return a < b || a != a ? a : b; }
__device__ inline float sigmoid(float x) { return __fdividef(1.0f, 1.0f + expf(-x)); }
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

// i < x.shape[0], j < x.shape[1] * ((x.shape[2] - 4) // 4 + 1), k < (x.shape[3] - 4) // 4 + 1
extern "C" __global__ void __launch_bounds__(THREADS) sum_1_kernel(int64_t J, int64_t K, const float* __restrict__ x_from, int64_t x_stride_i, int64_t x_4_step, int64_t x_stride_j, float* __restrict__ out_to) {
  const int64_t tile = blockIdx.x;
  const int lane = threadIdx.x;
  const int64_t row = tile;
  const int64_t i = row;
  const int count = (int)(J * K);
  constexpr int items = (192 + THREADS - 1) / (THREADS);  // vectors a thread
  float sum_of_pass_1[1][1] = {};
  const float* const x_at = x_from + i * x_stride_i;
  const float* const x_1_at = x_from + i * x_stride_i + 1;
  const float* const x_2_at = x_from + i * x_stride_i + 2;
  const float* const x_3_at = x_from + i * x_stride_i + 3;
  const float* const x_4_at = x_from + i * x_stride_i + 1 * x_4_step;
  const float* const x_5_at = x_from + i * x_stride_i + 1 + 1 * x_4_step;
  const float* const x_6_at = x_from + i * x_stride_i + 2 + 1 * x_4_step;
  const float* const x_7_at = x_from + i * x_stride_i + 3 + 1 * x_4_step;
  const float* const x_8_at = x_from + i * x_stride_i + 2 * x_4_step;
  const float* const x_9_at = x_from + i * x_stride_i + 1 + 2 * x_4_step;
  const float* const x_10_at = x_from + i * x_stride_i + 2 + 2 * x_4_step;
  const float* const x_11_at = x_from + i * x_stride_i + 3 + 2 * x_4_step;
  const float* const x_12_at = x_from + i * x_stride_i + 3 * x_4_step;
  const float* const x_13_at = x_from + i * x_stride_i + 1 + 3 * x_4_step;
  const float* const x_14_at = x_from + i * x_stride_i + 2 + 3 * x_4_step;
  const float* const x_15_at = x_from + i * x_stride_i + 3 + 3 * x_4_step;
  #pragma unroll
  for (int v = 0; v < items; ++v) {
    const int at = v * THREADS + lane;
    if (at < count) {
      const int j = at / (int)(K);
      const int k = at % (int)(K);
      #pragma unroll
      for (int e = 0; e < 1; ++e) {
        const float x_ = *(x_at + k * 4 + j * x_stride_j + e * 4);
        const float x_1 = *(x_1_at + k * 4 + j * x_stride_j + e * 4);
        const float avg_pool2d = x_ + x_1;
        const float x_2 = *(x_2_at + k * 4 + j * x_stride_j + e * 4);
        const float avg_pool2d_1 = avg_pool2d + x_2;
        const float x_3 = *(x_3_at + k * 4 + j * x_stride_j + e * 4);
        const float avg_pool2d_2 = avg_pool2d_1 + x_3;
        const float x_4 = *(x_4_at + k * 4 + j * x_stride_j + e * 4);
        const float avg_pool2d_3 = avg_pool2d_2 + x_4;
        const float x_5 = *(x_5_at + k * 4 + j * x_stride_j + e * 4);
        const float avg_pool2d_4 = avg_pool2d_3 + x_5;
        const float x_6 = *(x_6_at + k * 4 + j * x_stride_j + e * 4);
        const float avg_pool2d_5 = avg_pool2d_4 + x_6;
        const float x_7 = *(x_7_at + k * 4 + j * x_stride_j + e * 4);
        const float avg_pool2d_6 = avg_pool2d_5 + x_7;
        const float x_8 = *(x_8_at + k * 4 + j * x_stride_j + e * 4);
        const float avg_pool2d_7 = avg_pool2d_6 + x_8;
        const float x_9 = *(x_9_at + k * 4 + j * x_stride_j + e * 4);
        const float avg_pool2d_8 = avg_pool2d_7 + x_9;
        const float x_10 = *(x_10_at + k * 4 + j * x_stride_j + e * 4);
        const float avg_pool2d_9 = avg_pool2d_8 + x_10;
        const float x_11 = *(x_11_at + k * 4 + j * x_stride_j + e * 4);
        const float avg_pool2d_10 = avg_pool2d_9 + x_11;
        const float x_12 = *(x_12_at + k * 4 + j * x_stride_j + e * 4);
        const float avg_pool2d_11 = avg_pool2d_10 + x_12;
        const float x_13 = *(x_13_at + k * 4 + j * x_stride_j + e * 4);
        const float avg_pool2d_12 = avg_pool2d_11 + x_13;
        const float x_14 = *(x_14_at + k * 4 + j * x_stride_j + e * 4);
        const float avg_pool2d_13 = avg_pool2d_12 + x_14;
        const float x_15 = *(x_15_at + k * 4 + j * x_stride_j + e * 4);
        const float avg_pool2d_14 = avg_pool2d_13 + x_15;
        const float avg_pool2d_16 = avg_pool2d_14 / 16.0f;
        const float sigmoid_ = sigmoid(avg_pool2d_16);
        sum_of_pass_1[0][e] += sigmoid_;
      }
    }
  }
  const double sum_of_pass_1_0 = across<THREADS>(in_double(sum_of_pass_1[0]), Plus());
  const double sum_1 = sum_of_pass_1_0;
  if (lane == 0) {
    out_to[i] = (float)sum_1;
  }
}
