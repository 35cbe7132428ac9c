/* /// kerf
version = 1
supports = "patches.ndim == 3 and patches.shape[0] == 3 and patches.shape[1] == 16 and patches.shape[2] == 32 and cls.shape[2] <= 32"
[tune]
THREADS = [256, 128]
[[step]]
launch = "norm_kernel"
grid = ["cdiv(3 * (1 + patches.shape[1]), THREADS // 16)"]
block = ["THREADS"]
args = [3, "1 + patches.shape[1]", "cls.shape[2]", "cls", "patches", "patches.shape[1] * cls.shape[2]", "place", "f32(cls.shape[2])", "out", "weight", "bias"]
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

// i < 3, j < 1 + patches.shape[1], k < cls.shape[2]
extern "C" __global__ void __launch_bounds__(THREADS) norm_kernel(int64_t I, int64_t J, int64_t K, const float* __restrict__ cls_from, const float* __restrict__ patches_from, int64_t patches_stride_i, const float* __restrict__ place_from, float norm_count_value, float* __restrict__ out_to, const float* __restrict__ weight_from, const float* __restrict__ bias_from) {
  const int64_t tile = blockIdx.x;
  const int lane = threadIdx.x % 16;
  const int64_t wanted = tile * (THREADS / 16) + threadIdx.x / 16;
  const int64_t row = least(wanted, I * J - 1);
  const int64_t i = row / J;
  const int64_t j = row % J;
  const int count = (int)(K);
  constexpr int items = (32 + 16 - 1) / (16);  // vectors a thread
  const float o_index = (float)j;
  const bool cat_1 = o_index < 1.0f;
  float sum_of_pass_1[1][1] = {};
  const float* const patches_at = patches_from + i * patches_stride_i + j * K + -1 * K;
  const float* const place_at = place_from + j * K;
  float cls[items][1];
  float place[items][1];
  #pragma unroll
  for (int v = 0; v < items; ++v) {
    const int at = v * 16 + lane;
    if (at < count) {
      get(cls[v], cls_from + at);
      get(place[v], place_at + at);
    }
  }
  #pragma unroll
  for (int v = 0; v < items; ++v) {
    const int at = v * 16 + lane;
    if (at < count) {
      #pragma unroll
      for (int e = 0; e < 1; ++e) {
        const float patches = j + -1 >= 0 ? *(patches_at + at + e) : 0.0f;
        const float cat_2 = cat_1 ? cls[v][e] : patches;
        const float add = cat_2 + place[v][e];
        sum_of_pass_1[0][e] += add;
      }
    }
  }
  const double sum_of_pass_1_0 = across<16>(in_double(sum_of_pass_1[0]), Plus());
  const double norm_1 = sum_of_pass_1_0;
  const double norm_2 = norm_1 / norm_count_value;
  float sum_of_pass_2[1][1] = {};
  #pragma unroll
  for (int v = 0; v < items; ++v) {
    const int at = v * 16 + lane;
    if (at < count) {
      #pragma unroll
      for (int e = 0; e < 1; ++e) {
        const float patches = j + -1 >= 0 ? *(patches_at + at + e) : 0.0f;
        const float cat_2 = cat_1 ? cls[v][e] : patches;
        const float add = cat_2 + place[v][e];
        const float norm_3 = add - (float)norm_2;
        const float norm_4 = norm_3 * norm_3;
        sum_of_pass_2[0][e] += norm_4;
      }
    }
  }
  const double sum_of_pass_2_0 = across<16>(in_double(sum_of_pass_2[0]), Plus());
  const double norm_5 = sum_of_pass_2_0;
  const double norm_6 = norm_5 / norm_count_value;
  const double norm_7 = norm_6 + 1e-05f;
  const float norm_8 = 1.0f / sqrtf((float)norm_7);
  float* const out_at = out_to + i * J * K + j * K;
  float weight[items][1];
  float bias[items][1];
  #pragma unroll
  for (int v = 0; v < items; ++v) {
    const int at = v * 16 + lane;
    if (at < count) {
      get(weight[v], weight_from + at);
      get(bias[v], bias_from + at);
    }
  }
  #pragma unroll
  for (int v = 0; v < items; ++v) {
    const int at = v * 16 + lane;
    if (at < count) {
      float out[1];
      #pragma unroll
      for (int e = 0; e < 1; ++e) {
        const float patches = j + -1 >= 0 ? *(patches_at + at + e) : 0.0f;
        const float cat_2 = cat_1 ? cls[v][e] : patches;
        const float add = cat_2 + place[v][e];
        const float norm_3 = add - (float)norm_2;
        const float norm_9 = norm_3 * norm_8;
        const float norm_10 = norm_9 * weight[v][e];
        const float norm_11 = norm_10 + bias[v][e];
        out[e] = norm_11;
      }
      put(out_at + at, out);
    }
  }
}
