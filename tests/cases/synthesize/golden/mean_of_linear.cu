/* /// kerf
version = 1
supports = "x.ndim == 2 and x.shape[0] == 64 and x.shape[1] == 96 and (fc.weight.shape[1]) % 4 == 0 and fc.weight.shape[0] <= 48 and (shift.shape[0]) % 4 == 0 and shift.shape[0] <= 48 and (x.shape[0] == 64 and x.shape[1] == 96)"
[tune]
THREADS1 = [128, 256]
THREADS2 = [256, 128]
THREADS3 = [256, 128]
[[scratch]]
name = "mean_weight"
dtype = "f32"
shape = ["fc.weight.shape[1]"]
[[scratch]]
name = "mean_bias"
dtype = "f32"
shape = [1]
[[step]]
launch = "mean_weight_kernel"
grid = ["cdiv(fc.weight.shape[1], THREADS1 // 4 * 4)"]
block = ["THREADS1"]
args = ["fc.weight.shape[1]", "fc.weight.shape[0]", "fc.weight", "f32(fc.weight.shape[0])", "mean_weight"]
[[step]]
launch = "mean_bias_kernel"
grid = ["cdiv(1, THREADS2 // 4)"]
block = ["THREADS2"]
args = ["shift.shape[0]", "shift", "fc.bias", "f32(shift.shape[0])", "mean_bias"]
[[step]]
launch = "add_kernel"
grid = ["cdiv(x.shape[0], THREADS3 // 8)"]
block = ["THREADS3"]
args = ["x.shape[0]", "mean_weight.shape[0]", "mean_bias", "mean_weight", "x", "out"]
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

// i < fc.weight.shape[0], j < fc.weight.shape[1]
extern "C" __global__ void __launch_bounds__(THREADS1) mean_weight_kernel(int64_t J, int64_t I, const float* __restrict__ fc_weight_from, float mean_weight_count_value, float* __restrict__ out_to) {
  const int64_t tile = blockIdx.x;
  const int slice = threadIdx.x / (THREADS1 / 4);
  const int64_t wanted = (tile * (THREADS1 / 4) + threadIdx.x % (THREADS1 / 4)) * 4;
  const int64_t j = least(wanted, J - 4);
  const int count = (int)(I);
  constexpr int items = (48 + 4 - 1) / (4);  // vectors a thread
  float sum_of_pass_1[1][4] = {};
  const float* const fc_weight_at = fc_weight_from + j;
  float fc_weight[items][4];
  #pragma unroll
  for (int v = 0; v < items; ++v) {
    const int at = v * 4 + slice;
    if (at < count) {
      get(fc_weight[v], fc_weight_at + at * J);
    }
  }
  #pragma unroll
  for (int v = 0; v < items; ++v) {
    const int at = v * 4 + slice;
    if (at < count) {
      #pragma unroll
      for (int e = 0; e < 4; ++e) {
        sum_of_pass_1[0][e] += fc_weight[v][e];
      }
    }
  }
  float mean_weight[4];
  #pragma unroll
  for (int e = 0; e < 4; ++e) mean_weight[e] = (float)among<THREADS1 / 4, 4>((double)sum_of_pass_1[0][e], Plus());
  float mean_weight_1[4];
  #pragma unroll
  for (int e = 0; e < 4; ++e) {
    mean_weight_1[e] = mean_weight[e] / mean_weight_count_value;
  }
  if (slice == 0 && j == wanted) {
    float* const out_at = out_to + j;
    put(out_at, mean_weight_1);
  }
}

// i < shift.shape[0]
extern "C" __global__ void __launch_bounds__(THREADS2) mean_bias_kernel(int64_t I, const float* __restrict__ shift_from, const float* __restrict__ fc_bias_from, float mean_bias_count_value, float* __restrict__ out_to) {
  const int64_t tile = blockIdx.x;
  const int lane = threadIdx.x % 4;
  const int64_t wanted = tile * (THREADS2 / 4) + threadIdx.x / 4;
  const int64_t row = least(wanted, 1 - 1);
  const int count = (int)(I);
  constexpr int items = (48 + 4 * 4 - 1) / (4 * 4);  // vectors a thread
  float sum_of_pass_1[1][4] = {};
  float shift[items][4];
  float fc_bias[items][4];
  #pragma unroll
  for (int v = 0; v < items; ++v) {
    const int at = (v * 4 + lane) * 4;
    if (at < count) {
      get(shift[v], shift_from + at);
      get(fc_bias[v], fc_bias_from + at);
    }
  }
  #pragma unroll
  for (int v = 0; v < items; ++v) {
    const int at = (v * 4 + lane) * 4;
    if (at < count) {
      #pragma unroll
      for (int e = 0; e < 4; ++e) {
        const float mean_bias1 = fc_bias[v][e] - shift[v][e];
        sum_of_pass_1[0][e] += mean_bias1;
      }
    }
  }
  const double sum_of_pass_1_0 = across<4>(in_double(sum_of_pass_1[0]), Plus());
  const double mean_bias = sum_of_pass_1_0;
  const double mean_bias_1 = mean_bias / mean_bias_count_value;
  if (lane == 0 && row == wanted) {
    out_to[0] = (float)mean_bias_1;
  }
}

// i < x.shape[0], j < mean_weight.shape[0]
extern "C" __global__ void __launch_bounds__(THREADS3) add_kernel(int64_t I, int64_t J, const float* __restrict__ mean_bias_from, const float* __restrict__ mean_weight_from, const float* __restrict__ x_from, float* __restrict__ out_to) {
  const int64_t tile = blockIdx.x;
  const int lane = threadIdx.x % 8;
  const int64_t wanted = tile * (THREADS3 / 8) + threadIdx.x / 8;
  const int64_t row = least(wanted, I - 1);
  const int64_t i = row;
  const int count = (int)(J);
  constexpr int items = (96 + 8 * 4 - 1) / (8 * 4);  // vectors a thread
  const float mean_bias = mean_bias_from[0];
  float sum_of_pass_1[1][4] = {};
  const float* const x_at = x_from + i * J;
  float mean_weight[items][4];
  float x_[items][4];
  #pragma unroll
  for (int v = 0; v < items; ++v) {
    const int at = (v * 8 + lane) * 4;
    if (at < count) {
      get(mean_weight[v], mean_weight_from + at);
      get(x_[v], x_at + at);
    }
  }
  #pragma unroll
  for (int v = 0; v < items; ++v) {
    const int at = (v * 8 + lane) * 4;
    if (at < count) {
      #pragma unroll
      for (int e = 0; e < 4; ++e) {
        const float mean_product = x_[v][e] * mean_weight[v][e];
        sum_of_pass_1[0][e] += mean_product;
      }
    }
  }
  const double sum_of_pass_1_0 = across<8>(in_double(sum_of_pass_1[0]), Plus());
  const double mean_dot = sum_of_pass_1_0;
  const double mean = mean_dot + mean_bias;
  float* const out_at = out_to + i * J;
  #pragma unroll
  for (int v = 0; v < items; ++v) {
    const int at = (v * 8 + lane) * 4;
    if (at < count) {
      float out[4];
      #pragma unroll
      for (int e = 0; e < 4; ++e) {
        const float add = (float)mean + x_[v][e];
        out[e] = add;
      }
      put(out_at + at, out);
    }
  }
}
