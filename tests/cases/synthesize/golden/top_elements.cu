/* /// kerf
version = 1
supports = "x.ndim == 2 and x.shape[0] == 300 and x.shape[1] == 64 and (x.shape[1]) % 4 == 0 and x.shape[1] <= 64 and (x.shape[0] == 300 and x.shape[1] == 64)"
[tune]
THREADS1 = [256, 128]
THREADS2 = [256, 128]
THREADS3 = [256, 128]
[[scratch]]
name = "softmax"
dtype = "f32"
shape = ["x.shape[0]", "x.shape[1]"]
[[scratch]]
name = "topk"
dtype = "f32"
shape = ["softmax.shape[0]", 3]
[[step]]
launch = "softmax_kernel"
grid = ["cdiv(x.shape[0], THREADS1 // 8)"]
block = ["THREADS1"]
args = ["x.shape[0]", "x.shape[1]", "x", "softmax"]
[[step]]
launch = "topk_kernel"
grid = ["cdiv(softmax.shape[0], THREADS2 // 32)"]
block = ["THREADS2"]
args = ["softmax.shape[0]", "softmax.shape[1]", "softmax", "topk.shape[1]", "topk"]
[[step]]
launch = "div_kernel"
grid = ["cdiv(topk.shape[0], THREADS3 // 2)"]
block = ["THREADS3"]
args = ["topk.shape[0]", "topk.shape[1]", "topk", "out"]
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

// i < x.shape[0], j < x.shape[1]
extern "C" __global__ void __launch_bounds__(THREADS1) softmax_kernel(int64_t I, int64_t J, const float* __restrict__ x_from, float* __restrict__ out_to) {
  const int64_t tile = blockIdx.x;
  const int lane = threadIdx.x % 8;
  const int64_t wanted = tile * (THREADS1 / 8) + threadIdx.x / 8;
  const int64_t row = least(wanted, I - 1);
  const int64_t i = row;
  const int count = (int)(J);
  constexpr int items = (64 + 8 * 4 - 1) / (8 * 4);  // vectors a thread
  float max_of_pass_1[1][4];
  #pragma unroll
  for (int e = 0; e < 4; ++e) {
    max_of_pass_1[0][e] = -infinity();
  }
  const float* const x_at = x_from + i * J;
  float x_[items][4];
  #pragma unroll
  for (int v = 0; v < items; ++v) {
    const int at = (v * 8 + lane) * 4;
    if (at < count) {
      get(x_[v], x_at + at);
    }
  }
  #pragma unroll
  for (int v = 0; v < items; ++v) {
    const int at = (v * 8 + lane) * 4;
    if (at < count) {
      #pragma unroll
      for (int e = 0; e < 4; ++e) {
        max_of_pass_1[0][e] = greater(x_[v][e], max_of_pass_1[0][e]);
      }
    }
  }
  const float max_of_pass_1_0 = across<8>(joined(max_of_pass_1[0], Greater()), Greater());
  const float softmax = max_of_pass_1_0;
  float sum_of_pass_2[1][4] = {};
  float softmax_2_kept[items][4];
  #pragma unroll
  for (int v = 0; v < items; ++v) {
    const int at = (v * 8 + lane) * 4;
    if (at < count) {
      #pragma unroll
      for (int e = 0; e < 4; ++e) {
        const float softmax_1 = x_[v][e] - softmax;
        const float softmax_2 = expf(softmax_1);
        softmax_2_kept[v][e] = softmax_2;
        sum_of_pass_2[0][e] += softmax_2;
      }
    }
  }
  const double sum_of_pass_2_0 = across<8>(in_double(sum_of_pass_2[0]), Plus());
  const double softmax_3 = sum_of_pass_2_0;
  const double softmax_4 = 1.0f / softmax_3;
  float* const out_at = out_to + i * J;
  #pragma unroll
  for (int v = 0; v < items; ++v) {
    const int at = (v * 8 + lane) * 4;
    if (at < count) {
      float out[4];
      #pragma unroll
      for (int e = 0; e < 4; ++e) {
        const float softmax_5 = softmax_2_kept[v][e] * (float)softmax_4;
        out[e] = softmax_5;
      }
      put(out_at + at, out);
    }
  }
}

// i < softmax.shape[0], j < softmax.shape[1]
extern "C" __global__ void __launch_bounds__(THREADS2) topk_kernel(int64_t I, int64_t J, const float* __restrict__ softmax_from, int64_t out0_stride_i, float* __restrict__ out0_to) {
  const int64_t tile = blockIdx.x;
  const int lane = threadIdx.x % 32;
  const int64_t wanted = tile * (THREADS2 / 32) + threadIdx.x / 32;
  const int64_t row = least(wanted, I - 1);
  const int64_t i = row;
  const int count = (int)(J);
  constexpr int items = (64 + 32 - 1) / (32);  // vectors a thread
  float max_of_pass_1[1][1];
  #pragma unroll
  for (int e = 0; e < 1; ++e) {
    max_of_pass_1[0][e] = -infinity();
  }
  const float* const softmax_at = softmax_from + i * J;
  float softmax[items][1];
  #pragma unroll
  for (int v = 0; v < items; ++v) {
    const int at = v * 32 + lane;
    if (at < count) {
      get(softmax[v], softmax_at + at);
    }
  }
  #pragma unroll
  for (int v = 0; v < items; ++v) {
    const int at = v * 32 + lane;
    if (at < count) {
      #pragma unroll
      for (int e = 0; e < 1; ++e) {
        max_of_pass_1[0][e] = greater(softmax[v][e], max_of_pass_1[0][e]);
      }
    }
  }
  const float max_of_pass_1_0 = across<32>(joined(max_of_pass_1[0], Greater()), Greater());
  const float topk = max_of_pass_1_0;
  float min_of_pass_2[1][1];
  #pragma unroll
  for (int e = 0; e < 1; ++e) {
    min_of_pass_2[0][e] = infinity();
  }
  #pragma unroll
  for (int v = 0; v < items; ++v) {
    const int at = v * 32 + lane;
    if (at < count) {
      const int j = at;
      #pragma unroll
      for (int e = 0; e < 1; ++e) {
        const float j_index = (float)(j + e);
        const bool topk_2 = softmax[v][e] != softmax[v][e];
        const bool topk_3 = softmax[v][e] == topk;
        const bool topk_4 = topk_3 || topk_2;
        const float topk_5 = topk_4 ? j_index : infinity();
        min_of_pass_2[0][e] = smaller(topk_5, min_of_pass_2[0][e]);
      }
    }
  }
  const float min_of_pass_2_0 = across<32>(joined(min_of_pass_2[0], Smaller()), Smaller());
  const float topk_6 = min_of_pass_2_0;
  float max_of_pass_3[1][1];
  #pragma unroll
  for (int e = 0; e < 1; ++e) {
    max_of_pass_3[0][e] = -infinity();
  }
  #pragma unroll
  for (int v = 0; v < items; ++v) {
    const int at = v * 32 + lane;
    if (at < count) {
      const int j = at;
      #pragma unroll
      for (int e = 0; e < 1; ++e) {
        const float j_index = (float)(j + e);
        const bool topk_7 = j_index == topk_6;
        const float topk_8 = topk_7 ? infinity() : j_index;
        const bool topk_9 = topk_8 < infinity();
        const float topk_11 = topk_9 ? softmax[v][e] : -infinity();
        max_of_pass_3[0][e] = greater(topk_11, max_of_pass_3[0][e]);
      }
    }
  }
  const float max_of_pass_3_0 = across<32>(joined(max_of_pass_3[0], Greater()), Greater());
  const float topk_12 = max_of_pass_3_0;
  float min_of_pass_4[1][1];
  #pragma unroll
  for (int e = 0; e < 1; ++e) {
    min_of_pass_4[0][e] = infinity();
  }
  #pragma unroll
  for (int v = 0; v < items; ++v) {
    const int at = v * 32 + lane;
    if (at < count) {
      const int j = at;
      #pragma unroll
      for (int e = 0; e < 1; ++e) {
        const float j_index = (float)(j + e);
        const bool topk_2 = softmax[v][e] != softmax[v][e];
        const bool topk_7 = j_index == topk_6;
        const float topk_8 = topk_7 ? infinity() : j_index;
        const bool topk_13 = softmax[v][e] == topk_12;
        const bool topk_14 = topk_13 || topk_2;
        const float topk_15 = topk_14 ? topk_8 : infinity();
        min_of_pass_4[0][e] = smaller(topk_15, min_of_pass_4[0][e]);
      }
    }
  }
  const float min_of_pass_4_0 = across<32>(joined(min_of_pass_4[0], Smaller()), Smaller());
  const float topk_16 = min_of_pass_4_0;
  float max_of_pass_5[1][1];
  #pragma unroll
  for (int e = 0; e < 1; ++e) {
    max_of_pass_5[0][e] = -infinity();
  }
  #pragma unroll
  for (int v = 0; v < items; ++v) {
    const int at = v * 32 + lane;
    if (at < count) {
      const int j = at;
      #pragma unroll
      for (int e = 0; e < 1; ++e) {
        const float j_index = (float)(j + e);
        const bool topk_7 = j_index == topk_6;
        const float topk_8 = topk_7 ? infinity() : j_index;
        const bool topk_17 = j_index == topk_16;
        const float topk_18 = topk_17 ? infinity() : topk_8;
        const bool topk_19 = topk_18 < infinity();
        const float topk_20 = topk_19 ? softmax[v][e] : -infinity();
        max_of_pass_5[0][e] = greater(topk_20, max_of_pass_5[0][e]);
      }
    }
  }
  const float max_of_pass_5_0 = across<32>(joined(max_of_pass_5[0], Greater()), Greater());
  const float topk_21 = max_of_pass_5_0;
  if (lane == 0 && row == wanted) {
    out0_to[i * out0_stride_i] = topk;
    out0_to[i * out0_stride_i + 1] = topk_12;
    out0_to[i * out0_stride_i + 2] = topk_21;
  }
}

// i < topk.shape[0], j < topk.shape[1]
extern "C" __global__ void __launch_bounds__(THREADS3) div_kernel(int64_t I, int64_t J, const float* __restrict__ topk_from, float* __restrict__ out_to) {
  const int64_t tile = blockIdx.x;
  const int lane = threadIdx.x % 2;
  const int64_t wanted = tile * (THREADS3 / 2) + threadIdx.x / 2;
  const int64_t row = least(wanted, I - 1);
  const int64_t i = row;
  const int count = (int)(J);
  constexpr int items = (3 + 2 - 1) / (2);  // vectors a thread
  float sum_of_pass_1[1][1] = {};
  const float* const topk_at = topk_from + i * J;
  float topk[items][1];
  #pragma unroll
  for (int v = 0; v < items; ++v) {
    const int at = v * 2 + lane;
    if (at < count) {
      get(topk[v], topk_at + at);
    }
  }
  #pragma unroll
  for (int v = 0; v < items; ++v) {
    const int at = v * 2 + lane;
    if (at < count) {
      #pragma unroll
      for (int e = 0; e < 1; ++e) {
        sum_of_pass_1[0][e] += topk[v][e];
      }
    }
  }
  const double sum_of_pass_1_0 = across<2>(in_double(sum_of_pass_1[0]), Plus());
  const double sum = sum_of_pass_1_0;
  float* const out_at = out_to + i * J;
  #pragma unroll
  for (int v = 0; v < items; ++v) {
    const int at = v * 2 + lane;
    if (at < count) {
      float out[1];
      #pragma unroll
      for (int e = 0; e < 1; ++e) {
        const float div = topk[v][e] / (float)sum;
        out[e] = div;
      }
      put(out_at + at, out);
    }
  }
}
