/* /// kerf
version = 1
supports = "x.ndim == 4 and x.shape[0] == 2 and x.shape[1] == 8 and x.shape[2] == 15 and x.shape[3] == 61 and x.shape[0] * x.shape[2] * x.shape[3] <= 1830"
[tune]
THREADS = [512, 256, 128]
[[step]]
launch = "relu_kernel"
grid = ["x.shape[1]"]
block = ["THREADS"]
args = ["x.shape[0]", "x.shape[2]", "x.shape[3]", "w.shape[2] * w.shape[3]", "w", "w.shape[3]", "weight", "bias", "x", "x.shape[2] * x.shape[3]", "x.shape[2] * x.shape[3] * x.shape[1]", "f32((x.shape[0] * (x.shape[2] - w.shape[2] + 3)) * (x.shape[3] - w.shape[3] + 3))", "out", "x.shape[1]"]
/// */

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

// i < x.shape[0], j < x.shape[1], k < x.shape[2], l < x.shape[3]
extern "C" __global__ void __launch_bounds__(THREADS) relu_kernel(int64_t I, int64_t K, int64_t L, int64_t w_stride_j, const float* __restrict__ w_from, int64_t w_3_step, const float* __restrict__ weight_from, const float* __restrict__ bias_from, const float* __restrict__ x_from, int64_t x_stride_j, int64_t x_stride_i, float norm_count_value, float* __restrict__ out_to, int64_t J) {
  const int64_t tile = blockIdx.x;
  const int lane = threadIdx.x;
  const int64_t row = tile;
  const int64_t j = row;
  const int count = (int)(I * K * L);
  constexpr int items = (1830 + THREADS - 1) / (THREADS);  // vectors a thread
  const float w_ = w_from[j * w_stride_j];
  const float w_1 = w_from[j * w_stride_j + 1];
  const float w_2 = w_from[j * w_stride_j + 2];
  const float w_3 = w_from[j * w_stride_j + 1 * w_3_step];
  const float w_4 = w_from[j * w_stride_j + 1 + 1 * w_3_step];
  const float w_5 = w_from[j * w_stride_j + 2 + 1 * w_3_step];
  const float w_6 = w_from[j * w_stride_j + 2 * w_3_step];
  const float w_7 = w_from[j * w_stride_j + 1 + 2 * w_3_step];
  const float w_8 = w_from[j * w_stride_j + 2 + 2 * w_3_step];
  const float weight = weight_from[j];
  const float bias = bias_from[j];
  float sum_of_pass_1[1][1] = {};
  const float* const x_at = x_from + j * x_stride_j + -1 + -1 * L;
  const float* const x_1_at = x_from + j * x_stride_j + -1 * L;
  const float* const x_2_at = x_from + j * x_stride_j + 1 + -1 * L;
  const float* const x_3_at = x_from + j * x_stride_j + -1;
  const float* const x_4_at = x_from + j * x_stride_j;
  const float* const x_5_at = x_from + j * x_stride_j + 1;
  const float* const x_6_at = x_from + j * x_stride_j + -1 + 1 * L;
  const float* const x_7_at = x_from + j * x_stride_j + 1 * L;
  const float* const x_8_at = x_from + j * x_stride_j + 1 + 1 * L;
  #pragma unroll
  for (int v = 0; v < items; ++v) {
    const int at = v * THREADS + lane;
    if (at < count) {
      const int i = at / (int)(K * L);
      const int k = at / (int)(L) % (int)(K);
      const int l = at % (int)(L);
      #pragma unroll
      for (int e = 0; e < 1; ++e) {
        const float x_ = (l + e) + -1 >= 0 && k + -1 >= 0 ? *(x_at + l + k * L + i * x_stride_i + e) : 0.0f;
        const float conv = x_ * w_;
        const float x_1 = k + -1 >= 0 ? *(x_1_at + l + k * L + i * x_stride_i + e) : 0.0f;
        const float conv_1 = x_1 * w_1;
        const float conv_2 = conv + conv_1;
        const float x_2 = (l + e) + 1 < L && k + -1 >= 0 ? *(x_2_at + l + k * L + i * x_stride_i + e) : 0.0f;
        const float conv_3 = x_2 * w_2;
        const float conv_4 = conv_2 + conv_3;
        const float x_3 = (l + e) + -1 >= 0 ? *(x_3_at + l + k * L + i * x_stride_i + e) : 0.0f;
        const float conv_5 = x_3 * w_3;
        const float conv_6 = conv_4 + conv_5;
        const float x_4 = *(x_4_at + l + k * L + i * x_stride_i + e);
        const float conv_7 = x_4 * w_4;
        const float conv_8 = conv_6 + conv_7;
        const float x_5 = (l + e) + 1 < L ? *(x_5_at + l + k * L + i * x_stride_i + e) : 0.0f;
        const float conv_9 = x_5 * w_5;
        const float conv_10 = conv_8 + conv_9;
        const float x_6 = (l + e) + -1 >= 0 && k + 1 < K ? *(x_6_at + l + k * L + i * x_stride_i + e) : 0.0f;
        const float conv_11 = x_6 * w_6;
        const float conv_12 = conv_10 + conv_11;
        const float x_7 = k + 1 < K ? *(x_7_at + l + k * L + i * x_stride_i + e) : 0.0f;
        const float conv_13 = x_7 * w_7;
        const float conv_14 = conv_12 + conv_13;
        const float x_8 = (l + e) + 1 < L && k + 1 < K ? *(x_8_at + l + k * L + i * x_stride_i + e) : 0.0f;
        const float conv_15 = x_8 * w_8;
        const float conv_16 = conv_14 + conv_15;
        sum_of_pass_1[0][e] += conv_16;
      }
    }
  }
  const double sum_of_pass_1_0 = across<THREADS>(in_double(sum_of_pass_1[0]), Plus());
  const double norm_1 = sum_of_pass_1_0;
  const double norm_2 = norm_1 / norm_count_value;
  float sum_of_pass_2[1][1] = {};
  #pragma unroll
  for (int v = 0; v < items; ++v) {
    const int at = v * THREADS + lane;
    if (at < count) {
      const int i = at / (int)(K * L);
      const int k = at / (int)(L) % (int)(K);
      const int l = at % (int)(L);
      #pragma unroll
      for (int e = 0; e < 1; ++e) {
        const float x_ = (l + e) + -1 >= 0 && k + -1 >= 0 ? *(x_at + l + k * L + i * x_stride_i + e) : 0.0f;
        const float conv = x_ * w_;
        const float x_1 = k + -1 >= 0 ? *(x_1_at + l + k * L + i * x_stride_i + e) : 0.0f;
        const float conv_1 = x_1 * w_1;
        const float conv_2 = conv + conv_1;
        const float x_2 = (l + e) + 1 < L && k + -1 >= 0 ? *(x_2_at + l + k * L + i * x_stride_i + e) : 0.0f;
        const float conv_3 = x_2 * w_2;
        const float conv_4 = conv_2 + conv_3;
        const float x_3 = (l + e) + -1 >= 0 ? *(x_3_at + l + k * L + i * x_stride_i + e) : 0.0f;
        const float conv_5 = x_3 * w_3;
        const float conv_6 = conv_4 + conv_5;
        const float x_4 = *(x_4_at + l + k * L + i * x_stride_i + e);
        const float conv_7 = x_4 * w_4;
        const float conv_8 = conv_6 + conv_7;
        const float x_5 = (l + e) + 1 < L ? *(x_5_at + l + k * L + i * x_stride_i + e) : 0.0f;
        const float conv_9 = x_5 * w_5;
        const float conv_10 = conv_8 + conv_9;
        const float x_6 = (l + e) + -1 >= 0 && k + 1 < K ? *(x_6_at + l + k * L + i * x_stride_i + e) : 0.0f;
        const float conv_11 = x_6 * w_6;
        const float conv_12 = conv_10 + conv_11;
        const float x_7 = k + 1 < K ? *(x_7_at + l + k * L + i * x_stride_i + e) : 0.0f;
        const float conv_13 = x_7 * w_7;
        const float conv_14 = conv_12 + conv_13;
        const float x_8 = (l + e) + 1 < L && k + 1 < K ? *(x_8_at + l + k * L + i * x_stride_i + e) : 0.0f;
        const float conv_15 = x_8 * w_8;
        const float conv_16 = conv_14 + conv_15;
        const float norm_3 = conv_16 - (float)norm_2;
        const float norm_4 = norm_3 * norm_3;
        sum_of_pass_2[0][e] += norm_4;
      }
    }
  }
  const double sum_of_pass_2_0 = across<THREADS>(in_double(sum_of_pass_2[0]), Plus());
  const double norm_5 = sum_of_pass_2_0;
  const double norm_6 = norm_5 / norm_count_value;
  const double norm_7 = norm_6 + 1e-05f;
  const float norm_8 = 1.0f / sqrtf((float)norm_7);
  float* const out_at = out_to + j * K * L;
  #pragma unroll
  for (int v = 0; v < items; ++v) {
    const int at = v * THREADS + lane;
    if (at < count) {
      const int i = at / (int)(K * L);
      const int k = at / (int)(L) % (int)(K);
      const int l = at % (int)(L);
      float out[1];
      #pragma unroll
      for (int e = 0; e < 1; ++e) {
        const float x_ = (l + e) + -1 >= 0 && k + -1 >= 0 ? *(x_at + l + k * L + i * x_stride_i + e) : 0.0f;
        const float conv = x_ * w_;
        const float x_1 = k + -1 >= 0 ? *(x_1_at + l + k * L + i * x_stride_i + e) : 0.0f;
        const float conv_1 = x_1 * w_1;
        const float conv_2 = conv + conv_1;
        const float x_2 = (l + e) + 1 < L && k + -1 >= 0 ? *(x_2_at + l + k * L + i * x_stride_i + e) : 0.0f;
        const float conv_3 = x_2 * w_2;
        const float conv_4 = conv_2 + conv_3;
        const float x_3 = (l + e) + -1 >= 0 ? *(x_3_at + l + k * L + i * x_stride_i + e) : 0.0f;
        const float conv_5 = x_3 * w_3;
        const float conv_6 = conv_4 + conv_5;
        const float x_4 = *(x_4_at + l + k * L + i * x_stride_i + e);
        const float conv_7 = x_4 * w_4;
        const float conv_8 = conv_6 + conv_7;
        const float x_5 = (l + e) + 1 < L ? *(x_5_at + l + k * L + i * x_stride_i + e) : 0.0f;
        const float conv_9 = x_5 * w_5;
        const float conv_10 = conv_8 + conv_9;
        const float x_6 = (l + e) + -1 >= 0 && k + 1 < K ? *(x_6_at + l + k * L + i * x_stride_i + e) : 0.0f;
        const float conv_11 = x_6 * w_6;
        const float conv_12 = conv_10 + conv_11;
        const float x_7 = k + 1 < K ? *(x_7_at + l + k * L + i * x_stride_i + e) : 0.0f;
        const float conv_13 = x_7 * w_7;
        const float conv_14 = conv_12 + conv_13;
        const float x_8 = (l + e) + 1 < L && k + 1 < K ? *(x_8_at + l + k * L + i * x_stride_i + e) : 0.0f;
        const float conv_15 = x_8 * w_8;
        const float conv_16 = conv_14 + conv_15;
        const float norm_3 = conv_16 - (float)norm_2;
        const float norm_9 = norm_3 * norm_8;
        const float norm_10 = norm_9 * weight;
        const float norm_11 = norm_10 + bias;
        const float relu = norm_11 < 0.0f ? 0.0f : norm_11;
        out[e] = relu;
      }
      put(out_at + l + k * L + i * J * K * L, out);
    }
  }
}
