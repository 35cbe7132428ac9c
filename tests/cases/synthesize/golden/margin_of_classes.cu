/* /// kerf
version = 1
supports = "x.ndim == 2 and x.shape[0] == 64 and x.shape[1] == 1000 and t.ndim == 1 and t.shape[0] == 64 and (x.shape[1]) % 4 == 0 and x.shape[1] <= 1000 and (x.shape[0] == 64 and x.shape[1] == 1000 and t.shape[0] == 64)"
[tune]
THREADS1 = [128, 256]
THREADS2 = [256, 128]
[[scratch]]
name = "loss_rows"
dtype = "f32"
shape = ["x.shape[0]"]
[[step]]
launch = "loss_rows_kernel"
grid = ["x.shape[0]"]
block = ["THREADS1"]
args = ["x.shape[1]", "t", "x", "f32(x.shape[1])", "loss_rows"]
[[step]]
launch = "loss_kernel"
grid = ["cdiv(1, THREADS2 // 8)"]
block = ["THREADS2"]
args = ["loss_rows.shape[0]", "loss_rows", "f32(loss_rows.shape[0])", "out"]
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

// i < x.shape[0], j < x.shape[1]
extern "C" __global__ void __launch_bounds__(THREADS1) loss_rows_kernel(int64_t J, const int64_t* __restrict__ t_from, const float* __restrict__ x_from, float loss_rows_count_value, float* __restrict__ out_to) {
  const int64_t tile = blockIdx.x;
  const int lane = threadIdx.x;
  const int64_t row = tile;
  const int64_t i = row;
  const int count = (int)(J);
  constexpr int items = (1000 + THREADS1 * 4 - 1) / (THREADS1 * 4);  // vectors a thread
  const int64_t t_ = t_from[i];
  float sum_of_pass_1[1][4] = {};
  const float* const x_at = x_from + i * J;
  float x_[items][4];
  #pragma unroll
  for (int v = 0; v < items; ++v) {
    const int at = (v * THREADS1 + lane) * 4;
    if (at < count) {
      const int j = at;
      get(x_[v], x_at + at);
    }
  }
  #pragma unroll
  for (int v = 0; v < items; ++v) {
    const int at = (v * THREADS1 + lane) * 4;
    if (at < count) {
      const int j = at;
      #pragma unroll
      for (int e = 0; e < 4; ++e) {
        const float j_index = (float)(j + e);
        const bool loss_rows_1 = j_index == t_;
        const float loss_rows_2 = loss_rows_1 ? x_[v][e] : 0.0f;
        sum_of_pass_1[0][e] += loss_rows_2;
      }
    }
  }
  const double sum_of_pass_1_0 = across<THREADS1>(in_double(sum_of_pass_1[0]), Plus());
  const double loss_rows_3 = sum_of_pass_1_0;
  const double loss_rows_5 = 1.0f - loss_rows_3;
  float sum_of_pass_2[1][4] = {};
  #pragma unroll
  for (int v = 0; v < items; ++v) {
    const int at = (v * THREADS1 + lane) * 4;
    if (at < count) {
      const int j = at;
      #pragma unroll
      for (int e = 0; e < 4; ++e) {
        const float j_index = (float)(j + e);
        const bool loss_rows_1 = j_index == t_;
        const float loss_rows_6 = (float)loss_rows_5 + x_[v][e];
        const float loss_rows_7 = loss_rows_6 * loss_rows_6;
        const bool loss_rows_8 = loss_rows_6 > 0.0f;
        const float loss_rows_9 = loss_rows_8 ? loss_rows_7 : 0.0f;
        const float loss_rows_10 = loss_rows_1 ? 0.0f : loss_rows_9;
        sum_of_pass_2[0][e] += loss_rows_10;
      }
    }
  }
  const double sum_of_pass_2_0 = across<THREADS1>(in_double(sum_of_pass_2[0]), Plus());
  const double loss_rows_11 = sum_of_pass_2_0;
  const double loss_rows_12 = loss_rows_11 / loss_rows_count_value;
  if (lane == 0) {
    out_to[i] = (float)loss_rows_12;
  }
}

// i < loss_rows.shape[0]
extern "C" __global__ void __launch_bounds__(THREADS2) loss_kernel(int64_t I, const float* __restrict__ loss_rows_from, float loss_count_value, float* __restrict__ out_to) {
  const int64_t tile = blockIdx.x;
  const int lane = threadIdx.x % 8;
  const int64_t wanted = tile * (THREADS2 / 8) + threadIdx.x / 8;
  const int64_t row = least(wanted, 1 - 1);
  const int count = (int)(I);
  constexpr int items = (64 + 8 * 4 - 1) / (8 * 4);  // vectors a thread
  float sum_of_pass_1[1][4] = {};
  float loss_rows[items][4];
  #pragma unroll
  for (int v = 0; v < items; ++v) {
    const int at = (v * 8 + lane) * 4;
    if (at < count) {
      get(loss_rows[v], loss_rows_from + at);
    }
  }
  #pragma unroll
  for (int v = 0; v < items; ++v) {
    const int at = (v * 8 + lane) * 4;
    if (at < count) {
      #pragma unroll
      for (int e = 0; e < 4; ++e) {
        sum_of_pass_1[0][e] += loss_rows[v][e];
      }
    }
  }
  const double sum_of_pass_1_0 = across<8>(in_double(sum_of_pass_1[0]), Plus());
  const double loss = sum_of_pass_1_0;
  const double loss_1 = loss / loss_count_value;
  if (lane == 0 && row == wanted) {
    out_to[0] = (float)loss_1;
  }
}
