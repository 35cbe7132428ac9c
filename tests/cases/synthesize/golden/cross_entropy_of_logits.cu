/* /// kerf
version = 1
supports = "x.ndim == 2 and x.shape[0] == 64 and x.shape[1] == 4096 and y.ndim == 2 and y.shape[0] == 64 and y.shape[1] == 4096 and (x.shape[0] * x.shape[1]) % 4 == 0"
[tune]
THREADS = [512, 256]
[[scratch]]
name = "loss_kernel_part1"
dtype = "f64"
shape = ["1 * cdiv(x.shape[0] * x.shape[1], (cdiv(cdiv(x.shape[0] * x.shape[1], max(1, 528 // 1)), THREADS * 16) * THREADS * 16))", 1]
[[step]]
launch = "loss_kernel_pass1"
grid = ["1 * cdiv(x.shape[0] * x.shape[1], (cdiv(cdiv(x.shape[0] * x.shape[1], max(1, 528 // 1)), THREADS * 16) * THREADS * 16))"]
block = ["THREADS"]
args = ["cdiv(x.shape[0] * x.shape[1], (cdiv(cdiv(x.shape[0] * x.shape[1], max(1, 528 // 1)), THREADS * 16) * THREADS * 16))", "cdiv(cdiv(x.shape[0] * x.shape[1], max(1, 528 // 1)), THREADS * 16) * THREADS * 16", "x.shape[0] * x.shape[1]", "x", "y", "loss_kernel_part1"]
[[step]]
launch = "loss_kernel"
grid = [1]
block = ["THREADS"]
args = ["cdiv(x.shape[0] * x.shape[1], (cdiv(cdiv(x.shape[0] * x.shape[1], max(1, 528 // 1)), THREADS * 16) * THREADS * 16))", "loss_kernel_part1", "f32(x.shape[0] * x.shape[1])", "out"]
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
__device__ inline float softplus(float x) { return x > 0.0f ? x + log1pf(expf(-x)) : log1pf(expf(x)); }
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

// i < x.shape[0] * x.shape[1]: what each block has of pass 1
extern "C" __global__ void __launch_bounds__(THREADS) loss_kernel_pass1(int64_t chunks, int64_t length, int64_t I, const float* __restrict__ x_from, const float* __restrict__ y_from, double* __restrict__ loss_kernel_part1_to) {
  const int64_t row = blockIdx.x / (unsigned)chunks;
  [[maybe_unused]] const int lane = threadIdx.x;
  const int64_t chunk = blockIdx.x % (unsigned)chunks;
  const int64_t begin = chunk * length;
  const int count = (int)least(length, I - begin);
  float sum_of_pass_1[1][4] = {};
  const float* const x_at = x_from + begin;
  const float* const y_at = y_from + begin;
  for (int first = 0; first < count; first += THREADS * 4 * 4) {
    float x_[4][4];
    float y_[4][4];
    #pragma unroll
    for (int v = 0; v < 4; ++v) {
      const int at = first + (v * THREADS + lane) * 4;
      if (at < count) {
        get(x_[v], x_at + at);
        get(y_[v], y_at + at);
      }
    }
    #pragma unroll
    for (int v = 0; v < 4; ++v) {
      const int at = first + (v * THREADS + lane) * 4;
      if (at < count) {
        #pragma unroll
        for (int e = 0; e < 4; ++e) {
          const float loss = fabsf(x_[v][e]);
          const float loss_1 = -(loss);
          const float loss_2 = softplus(loss_1);
          const float loss_3 = y_[v][e] * x_[v][e];
          const float loss_4 = x_[v][e] < 0.0f ? 0.0f : x_[v][e];
          const float loss_5 = loss_4 - loss_3;
          const float loss_6 = loss_5 + loss_2;
          sum_of_pass_1[0][e] += loss_6;
        }
      }
    }
  }
  const double sum_of_pass_1_0 = across<THREADS>(in_double(sum_of_pass_1[0]), Plus());
  if (lane == 0) {
    loss_kernel_part1_to[blockIdx.x * 1 + 0] = sum_of_pass_1_0;
  }
}

// i < x.shape[0] * x.shape[1]
extern "C" __global__ void __launch_bounds__(THREADS) loss_kernel(int64_t chunks, const double* __restrict__ loss_kernel_part1_from, float loss_count_value, float* __restrict__ out_to) {
  const int64_t row = blockIdx.x;
  [[maybe_unused]] const int lane = threadIdx.x;
  double sum_of_pass_1_0_all = 0.0;
  for (int64_t block = threadIdx.x; block < chunks; block += THREADS) sum_of_pass_1_0_all = Plus()(sum_of_pass_1_0_all, *(loss_kernel_part1_from + (row * chunks + block) * 1 + 0));
  const double sum_of_pass_1_0 = across<THREADS>(sum_of_pass_1_0_all, Plus());
  const double loss_7 = sum_of_pass_1_0;
  const double loss_8 = loss_7 / loss_count_value;
  if (lane == 0) {
    out_to[0] = (float)loss_8;
  }
}
