/* /// kerf
version = 1
supports = "x.ndim == 2 and x.shape[0] == 64 and x.shape[1] == 300 and (x.shape[1]) % 4 == 0 and (x.shape[0] * x.shape[1]) % 4 == 0"
[tune]
THREADS1 = [512, 256]
THREADS2 = [512, 256]
[[scratch]]
name = "at_kernel_part1"
dtype = "f64"
shape = ["1 * cdiv(x.shape[0] * x.shape[1], (cdiv(cdiv(x.shape[0] * x.shape[1], max(1, 528 // 1)), THREADS1 * 16) * THREADS1 * 16))", 1]
[[scratch]]
name = "at_kernel_part2"
dtype = "f64"
shape = ["1 * cdiv(x.shape[0] * x.shape[1], (cdiv(cdiv(x.shape[0] * x.shape[1], max(1, 528 // 1)), THREADS1 * 16) * THREADS1 * 16))", 1]
[[scratch]]
name = "count_kernel_part1"
dtype = "f64"
shape = ["1 * cdiv(x.shape[0] * x.shape[1], (cdiv(cdiv(x.shape[0] * x.shape[1], max(1, 528 // 1)), THREADS2 * 16) * THREADS2 * 16))", 1]
[[step]]
launch = "at_kernel_pass1"
grid = ["1 * cdiv(x.shape[0] * x.shape[1], (cdiv(cdiv(x.shape[0] * x.shape[1], max(1, 528 // 1)), THREADS1 * 16) * THREADS1 * 16))"]
block = ["THREADS1"]
args = ["cdiv(x.shape[0] * x.shape[1], (cdiv(cdiv(x.shape[0] * x.shape[1], max(1, 528 // 1)), THREADS1 * 16) * THREADS1 * 16))", "cdiv(cdiv(x.shape[0] * x.shape[1], max(1, 528 // 1)), THREADS1 * 16) * THREADS1 * 16", "x.shape[0]", "x.shape[1]", "f32(x.shape[0])", "x", "at_kernel_part1"]
[[step]]
launch = "at_kernel_pass2"
grid = ["1 * cdiv(x.shape[0] * x.shape[1], (cdiv(cdiv(x.shape[0] * x.shape[1], max(1, 528 // 1)), THREADS1 * 16) * THREADS1 * 16))"]
block = ["THREADS1"]
args = ["cdiv(x.shape[0] * x.shape[1], (cdiv(cdiv(x.shape[0] * x.shape[1], max(1, 528 // 1)), THREADS1 * 16) * THREADS1 * 16))", "cdiv(cdiv(x.shape[0] * x.shape[1], max(1, 528 // 1)), THREADS1 * 16) * THREADS1 * 16", "x.shape[0]", "x.shape[1]", "f32(x.shape[0])", "at_kernel_part1", "x", "f32(x.shape[1])", "at_kernel_part2"]
[[step]]
launch = "at_kernel"
grid = [1]
block = ["THREADS1"]
args = ["cdiv(x.shape[0] * x.shape[1], (cdiv(cdiv(x.shape[0] * x.shape[1], max(1, 528 // 1)), THREADS1 * 16) * THREADS1 * 16))", "f32(x.shape[0])", "at_kernel_part1", "at_kernel_part2", "out0"]
[[step]]
launch = "count_kernel_pass1"
grid = ["1 * cdiv(x.shape[0] * x.shape[1], (cdiv(cdiv(x.shape[0] * x.shape[1], max(1, 528 // 1)), THREADS2 * 16) * THREADS2 * 16))"]
block = ["THREADS2"]
args = ["cdiv(x.shape[0] * x.shape[1], (cdiv(cdiv(x.shape[0] * x.shape[1], max(1, 528 // 1)), THREADS2 * 16) * THREADS2 * 16))", "cdiv(cdiv(x.shape[0] * x.shape[1], max(1, 528 // 1)), THREADS2 * 16) * THREADS2 * 16", "x.shape[0] * x.shape[1]", "x", "count_kernel_part1"]
[[step]]
launch = "count_kernel"
grid = [1]
block = ["THREADS2"]
args = ["cdiv(x.shape[0] * x.shape[1], (cdiv(cdiv(x.shape[0] * x.shape[1], max(1, 528 // 1)), THREADS2 * 16) * THREADS2 * 16))", "count_kernel_part1", "out1"]
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

// i < x.shape[0], j < x.shape[1]: what each block has of pass 1
extern "C" __global__ void __launch_bounds__(THREADS1) at_kernel_pass1(int64_t chunks, int64_t length, int64_t I, int64_t J, float at_count_value, const float* __restrict__ x_from, double* __restrict__ at_kernel_part1_to) {
  const int64_t row = blockIdx.x / (unsigned)chunks;
  [[maybe_unused]] const int lane = threadIdx.x;
  const int64_t chunk = blockIdx.x % (unsigned)chunks;
  const int64_t begin = chunk * length;
  const int count = (int)least(length, I * J - begin);
  const float at_1 = 0.0f * at_count_value;
  float max_of_pass_1[1][4];
  #pragma unroll
  for (int e = 0; e < 4; ++e) {
    max_of_pass_1[0][e] = -infinity();
  }
  const float* const x_at = x_from + begin;
  for (int first = 0; first < count; first += THREADS1 * 4 * 4) {
    float x_[4][4];
    #pragma unroll
    for (int v = 0; v < 4; ++v) {
      const int at = first + (v * THREADS1 + lane) * 4;
      if (at < count) {
        get(x_[v], x_at + at);
      }
    }
    #pragma unroll
    for (int v = 0; v < 4; ++v) {
      const int at = first + (v * THREADS1 + lane) * 4;
      if (at < count) {
        #pragma unroll
        for (int e = 0; e < 4; ++e) {
          max_of_pass_1[0][e] = greater(x_[v][e], max_of_pass_1[0][e]);
        }
      }
    }
  }
  const float max_of_pass_1_0 = across<THREADS1>(joined(max_of_pass_1[0], Greater()), Greater());
  if (lane == 0) {
    at_kernel_part1_to[blockIdx.x * 1 + 0] = max_of_pass_1_0;
  }
}

// i < x.shape[0], j < x.shape[1]: what each block has of pass 2
extern "C" __global__ void __launch_bounds__(THREADS1) at_kernel_pass2(int64_t chunks, int64_t length, int64_t I, int64_t J, float at_count_value, const double* __restrict__ at_kernel_part1_from, const float* __restrict__ x_from, float at_count_1_value, double* __restrict__ at_kernel_part2_to) {
  const int64_t row = blockIdx.x / (unsigned)chunks;
  [[maybe_unused]] const int lane = threadIdx.x;
  const int64_t chunk = blockIdx.x % (unsigned)chunks;
  const int64_t begin = chunk * length;
  const int count = (int)least(length, I * J - begin);
  const float at_1 = 0.0f * at_count_value;
  float max_of_pass_1_0_all = -infinity();
  for (int64_t block = threadIdx.x; block < chunks; block += THREADS1) max_of_pass_1_0_all = Greater()(max_of_pass_1_0_all, (float)*(at_kernel_part1_from + (row * chunks + block) * 1 + 0));
  const float max_of_pass_1_0 = across<THREADS1>(max_of_pass_1_0_all, Greater());
  const float at_5 = max_of_pass_1_0;
  float min_of_pass_2[1][4];
  #pragma unroll
  for (int e = 0; e < 4; ++e) {
    min_of_pass_2[0][e] = infinity();
  }
  const float* const x_at = x_from + begin;
  for (int first = 0; first < count; first += THREADS1 * 4 * 4) {
    float x_[4][4];
    #pragma unroll
    for (int v = 0; v < 4; ++v) {
      const int at = first + (v * THREADS1 + lane) * 4;
      if (at < count) {
        const int i = (int)(begin + at) / (int)(J);
        const int j = (int)(begin + at) % (int)(J);
        get(x_[v], x_at + at);
      }
    }
    #pragma unroll
    for (int v = 0; v < 4; ++v) {
      const int at = first + (v * THREADS1 + lane) * 4;
      if (at < count) {
        const int i = (int)(begin + at) / (int)(J);
        const int j = (int)(begin + at) % (int)(J);
        const float i_index = (float)i;
        const float at_2 = at_1 + i_index;
        const float at_3 = at_2 * at_count_1_value;
        #pragma unroll
        for (int e = 0; e < 4; ++e) {
          const float j_index = (float)(j + e);
          const float at_4 = at_3 + j_index;
          const bool at_7 = x_[v][e] != x_[v][e];
          const bool at_8 = x_[v][e] == at_5;
          const bool at_9 = at_8 || at_7;
          const float at_10 = at_9 ? at_4 : infinity();
          min_of_pass_2[0][e] = smaller(at_10, min_of_pass_2[0][e]);
        }
      }
    }
  }
  const float min_of_pass_2_0 = across<THREADS1>(joined(min_of_pass_2[0], Smaller()), Smaller());
  if (lane == 0) {
    at_kernel_part2_to[blockIdx.x * 1 + 0] = min_of_pass_2_0;
  }
}

// i < x.shape[0], j < x.shape[1]
extern "C" __global__ void __launch_bounds__(THREADS1) at_kernel(int64_t chunks, float at_count_value, const double* __restrict__ at_kernel_part1_from, const double* __restrict__ at_kernel_part2_from, int64_t* __restrict__ out_to) {
  const int64_t row = blockIdx.x;
  [[maybe_unused]] const int lane = threadIdx.x;
  const float at_1 = 0.0f * at_count_value;
  float max_of_pass_1_0_all = -infinity();
  for (int64_t block = threadIdx.x; block < chunks; block += THREADS1) max_of_pass_1_0_all = Greater()(max_of_pass_1_0_all, (float)*(at_kernel_part1_from + (row * chunks + block) * 1 + 0));
  const float max_of_pass_1_0 = across<THREADS1>(max_of_pass_1_0_all, Greater());
  const float at_5 = max_of_pass_1_0;
  float min_of_pass_2_0_all = infinity();
  for (int64_t block = threadIdx.x; block < chunks; block += THREADS1) min_of_pass_2_0_all = Smaller()(min_of_pass_2_0_all, (float)*(at_kernel_part2_from + (row * chunks + block) * 1 + 0));
  const float min_of_pass_2_0 = across<THREADS1>(min_of_pass_2_0_all, Smaller());
  const float at_11 = min_of_pass_2_0;
  if (lane == 0) {
    out_to[0] = at_11;
  }
}

// i < x.shape[0] * x.shape[1]: what each block has of pass 1
extern "C" __global__ void __launch_bounds__(THREADS2) count_kernel_pass1(int64_t chunks, int64_t length, int64_t I, const float* __restrict__ x_from, double* __restrict__ count_kernel_part1_to) {
  const int64_t row = blockIdx.x / (unsigned)chunks;
  [[maybe_unused]] const int lane = threadIdx.x;
  const int64_t chunk = blockIdx.x % (unsigned)chunks;
  const int64_t begin = chunk * length;
  const int count = (int)least(length, I - begin);
  float sum_of_pass_1[1][4] = {};
  const float* const x_at = x_from + begin;
  for (int first = 0; first < count; first += THREADS2 * 4 * 4) {
    float x_[4][4];
    #pragma unroll
    for (int v = 0; v < 4; ++v) {
      const int at = first + (v * THREADS2 + lane) * 4;
      if (at < count) {
        get(x_[v], x_at + at);
      }
    }
    #pragma unroll
    for (int v = 0; v < 4; ++v) {
      const int at = first + (v * THREADS2 + lane) * 4;
      if (at < count) {
        #pragma unroll
        for (int e = 0; e < 4; ++e) {
          const bool count_1 = x_[v][e] != 0.0f;
          const float count_2 = count_1 ? 1.0f : 0.0f;
          sum_of_pass_1[0][e] += count_2;
        }
      }
    }
  }
  const double sum_of_pass_1_0 = across<THREADS2>(in_double(sum_of_pass_1[0]), Plus());
  if (lane == 0) {
    count_kernel_part1_to[blockIdx.x * 1 + 0] = sum_of_pass_1_0;
  }
}

// i < x.shape[0] * x.shape[1]
extern "C" __global__ void __launch_bounds__(THREADS2) count_kernel(int64_t chunks, const double* __restrict__ count_kernel_part1_from, int64_t* __restrict__ out_to) {
  const int64_t row = blockIdx.x;
  [[maybe_unused]] const int lane = threadIdx.x;
  double sum_of_pass_1_0_all = 0.0;
  for (int64_t block = threadIdx.x; block < chunks; block += THREADS2) sum_of_pass_1_0_all = Plus()(sum_of_pass_1_0_all, *(count_kernel_part1_from + (row * chunks + block) * 1 + 0));
  const double sum_of_pass_1_0 = across<THREADS2>(sum_of_pass_1_0_all, Plus());
  const double count_3 = sum_of_pass_1_0;
  if (lane == 0) {
    out_to[0] = (float)count_3;
  }
}
