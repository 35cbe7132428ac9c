/* /// kerf
version = 1
supports = "x.ndim == 4 and x.shape[0] == 8 and x.shape[1] == 40 and x.shape[2] == 40 and x.shape[3] == 48 and (x.shape[3]) % 4 == 0 and x.shape[0] * x.shape[1] * x.shape[2] < 2147483648"
[tune]
THREADS = [256]
[[step]]
launch = "w_kernel"
grid = ["cdiv(x.shape[3], THREADS // 8 * 4)"]
block = ["THREADS"]
args = ["x.shape[3]", "x.shape[0] * x.shape[1] * x.shape[2]", "weight", "x", "f32(x.shape[0] * x.shape[1] * x.shape[2])", "out"]
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
// What is read for the last time leaves the caches first.
__device__ inline void get_past(float (&to)[1], const float* from) { to[0] = __ldcs(from); }
__device__ inline void get_past(float (&to)[2], const float* from) {
  const float2 v = __ldcs((const float2*)from);
  to[0] = v.x, to[1] = v.y;
}
__device__ inline void get_past(float (&to)[4], const float* from) {
  const float4 v = __ldcs((const float4*)from);
  to[0] = v.x, to[1] = v.y, to[2] = v.z, to[3] = v.w;
}
template <int width> __device__ inline void get_past(float (&to)[width], const float* from, int left) {
  if (left >= width) get_past(to, from); else gather(to, from, 1, left);
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
// What this kernel does not read again leaves the caches first.
__device__ inline void put_past(float* to, const float (&v)[1]) { __stcs(to, v[0]); }
__device__ inline void put_past(float* to, const float (&v)[2]) { __stcs((float2*)to, make_float2(v[0], v[1])); }
__device__ inline void put_past(float* to, const float (&v)[4]) { __stcs((float4*)to, make_float4(v[0], v[1], v[2], v[3])); }
template <int width> __device__ inline void put_past(float* to, const float (&v)[width], int left) {
  if (left >= width) put_past(to, v); else scatter(to, v, 1, left);
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

// i < x.shape[0] * x.shape[1] * x.shape[2], j < x.shape[3]
extern "C" __global__ void __launch_bounds__(THREADS) w_kernel(int64_t J, int64_t I, const float* __restrict__ weight_from, const float* __restrict__ x_from, float m_count_value, float* __restrict__ out_to) {
  const int64_t tile = blockIdx.x;
  const int slice = threadIdx.x / (THREADS / 8);
  const int64_t wanted = (tile * (THREADS / 8) + threadIdx.x % (THREADS / 8)) * 4;
  const int64_t j = least(wanted, J - 4);
  const int count = (int)(I);
  float weight[4];
  const float* const weight_at = weight_from + j;
  get(weight, weight_at);
  double sum_of_pass_1_so_far[1][4] = {};
  int sum_of_pass_1_left = 1024;
  float sum_of_pass_1[1][4] = {};
  const float* const x_at = x_from + j;
  for (int first = 0; first < count; first += 8 * 4) {
    float x_[4][4];
    #pragma unroll
    for (int v = 0; v < 4; ++v) {
      const int at = first + v * 8 + slice;
      if (at < count) {
        get(x_[v], x_at + at * J);
      }
    }
    #pragma unroll
    for (int v = 0; v < 4; ++v) {
      const int at = first + v * 8 + slice;
      if (at < count) {
        #pragma unroll
        for (int e = 0; e < 4; ++e) {
          sum_of_pass_1[0][e] += x_[v][e];
        }
      }
    }
    if ((sum_of_pass_1_left -= 4) <= 0) {
      #pragma unroll
      for (int e = 0; e < 4; ++e) {
        sum_of_pass_1_so_far[0][e] += sum_of_pass_1[0][e], sum_of_pass_1[0][e] = 0.0f;
      }
      sum_of_pass_1_left = 1024;
    }
  }
  #pragma unroll
  for (int e = 0; e < 4; ++e) {
    sum_of_pass_1_so_far[0][e] += sum_of_pass_1[0][e], sum_of_pass_1[0][e] = 0.0f;
  }
  float m_[4];
  #pragma unroll
  for (int e = 0; e < 4; ++e) m_[e] = (float)among<THREADS / 8, 8>(sum_of_pass_1_so_far[0][e], Plus());
  float m_1[4];
  #pragma unroll
  for (int e = 0; e < 4; ++e) {
    m_1[e] = m_[e] / m_count_value;
  }
  double sum_of_pass_2_so_far[1][4] = {};
  int sum_of_pass_2_left = 1024;
  float sum_of_pass_2[1][4] = {};
  for (int first = 0; first < count; first += 8 * 4) {
    float x_[4][4];
    #pragma unroll
    for (int v = 0; v < 4; ++v) {
      const int at = first + v * 8 + slice;
      if (at < count) {
        get(x_[v], x_at + at * J);
      }
    }
    #pragma unroll
    for (int v = 0; v < 4; ++v) {
      const int at = first + v * 8 + slice;
      if (at < count) {
        #pragma unroll
        for (int e = 0; e < 4; ++e) {
          const float d_ = x_[v][e] - m_1[e];
          const float q_ = d_ * d_;
          sum_of_pass_2[0][e] += q_;
        }
      }
    }
    if ((sum_of_pass_2_left -= 4) <= 0) {
      #pragma unroll
      for (int e = 0; e < 4; ++e) {
        sum_of_pass_2_so_far[0][e] += sum_of_pass_2[0][e], sum_of_pass_2[0][e] = 0.0f;
      }
      sum_of_pass_2_left = 1024;
    }
  }
  #pragma unroll
  for (int e = 0; e < 4; ++e) {
    sum_of_pass_2_so_far[0][e] += sum_of_pass_2[0][e], sum_of_pass_2[0][e] = 0.0f;
  }
  float v_[4];
  #pragma unroll
  for (int e = 0; e < 4; ++e) v_[e] = (float)among<THREADS / 8, 8>(sum_of_pass_2_so_far[0][e], Plus());
  float v_1[4];
  #pragma unroll
  for (int e = 0; e < 4; ++e) {
    v_1[e] = v_[e] / m_count_value;
  }
  float e_1[4];
  #pragma unroll
  for (int e = 0; e < 4; ++e) {
    e_1[e] = v_1[e] + 1e-05f;
  }
  float s_[4];
  #pragma unroll
  for (int e = 0; e < 4; ++e) {
    s_[e] = 1.0f / sqrtf(e_1[e]);
  }
  float* const out_at = out_to + j;
  for (int first = 0; first < count; first += 8 * 4) {
    float x_[4][4];
    #pragma unroll
    for (int v = 0; v < 4; ++v) {
      const int at = first + v * 8 + slice;
      if (at < count) {
        get_past(x_[v], x_at + at * J);
      }
    }
    #pragma unroll
    for (int v = 0; v < 4; ++v) {
      const int at = first + v * 8 + slice;
      if (at < count) {
        float out[4];
        #pragma unroll
        for (int e = 0; e < 4; ++e) {
          const float d_ = x_[v][e] - m_1[e];
          const float n_ = d_ * s_[e];
          const float w_ = n_ * weight[e];
          out[e] = w_;
        }
        put_past(out_at + at * J, out);
      }
    }
  }
}
