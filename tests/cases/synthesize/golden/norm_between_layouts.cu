/* /// kerf
version = 1
supports = "x.ndim == 4 and x.shape[0] == 2 and x.shape[1] == 32 and x.shape[2] == 12 and x.shape[3] == 14 and x.shape[1] < 2147483648 and (x.shape[0] == 2 and x.shape[1] == 32 and x.shape[2] == 12 and x.shape[3] == 14)"
[tune]
THREADS1 = [256]
THREADS2 = [256]
THREADS3 = [256, 128]
[[scratch]]
name = "conv_input"
dtype = "f32"
shape = ["x.shape[0]", "x.shape[2]", "x.shape[3]", "x.shape[1]"]
[[scratch]]
name = "conv"
dtype = "f32"
shape = ["conv_places.shape[0]", "conv_places.shape[3]", "conv_places.shape[1]", "conv_places.shape[2]"]
[[scratch]]
name = "relu"
dtype = "f32"
shape = ["conv.shape[0]", "conv.shape[1]", "conv.shape[2]", "conv.shape[3]"]
[[scratch]]
name = "conv_1_input"
dtype = "f32"
shape = ["relu.shape[0]", "relu.shape[2]", "relu.shape[3]", "relu.shape[1]"]
[[step]]
launch = "conv_input_kernel"
grid = ["cdiv(x.shape[2] * x.shape[3], 64) * cdiv(x.shape[1], 32) * x.shape[0]"]
block = ["THREADS1"]
args = ["cdiv(x.shape[2] * x.shape[3], 64)", "cdiv(x.shape[1], 32)", "x.shape[2] * x.shape[3]", "x.shape[1]", "x.shape[3] * x.shape[2]", "x", "conv_input"]
[[step]]
call = "aten.permute.default"
args = ["conv_input", [0, 3, 1, 2]]
out = "conv_image"
[[step]]
call = "aten.conv2d.default"
args = ["conv_image", "first.weight"]
out = "conv_last"
[[step]]
call = "aten.movedim.int"
args = ["conv_last", 1, -1]
out = "conv_places"
[[step]]
launch = "conv_kernel"
grid = ["cdiv(conv_places.shape[3], 32) * cdiv(conv_places.shape[1] * conv_places.shape[2], 64) * conv_places.shape[0]"]
block = ["THREADS2"]
args = ["cdiv(conv_places.shape[3], 32)", "cdiv(conv_places.shape[1] * conv_places.shape[2], 64)", "conv_places.shape[3]", "conv_places.shape[1] * conv_places.shape[2]", "conv_places.shape[3]", "conv_places", "conv"]
[[step]]
launch = "relu_kernel"
grid = ["cdiv(conv.shape[1], THREADS3 // 16)"]
block = ["THREADS3"]
args = ["conv.shape[1]", "conv.shape[0]", "conv.shape[2] * conv.shape[3]", "weight", "bias", "conv", "f32(conv.shape[0] * conv.shape[2] * conv.shape[3])", "relu"]
[[step]]
launch = "conv_input_kernel"
grid = ["cdiv(relu.shape[2] * relu.shape[3], 64) * cdiv(relu.shape[1], 32) * relu.shape[0]"]
block = ["THREADS1"]
args = ["cdiv(relu.shape[2] * relu.shape[3], 64)", "cdiv(relu.shape[1], 32)", "relu.shape[2] * relu.shape[3]", "relu.shape[1]", "relu.shape[3] * relu.shape[2]", "relu", "conv_1_input"]
[[step]]
call = "aten.permute.default"
args = ["conv_1_input", [0, 3, 1, 2]]
out = "conv_1_image"
[[step]]
call = "aten.conv2d.default"
args = ["conv_1_image", "second.weight"]
out = "conv_1_last"
[[step]]
call = "aten.movedim.int"
args = ["conv_1_last", 1, -1]
out = "conv_1_places"
[[step]]
launch = "conv_kernel"
grid = ["cdiv(conv_1_places.shape[3], 32) * cdiv(conv_1_places.shape[1] * conv_1_places.shape[2], 64) * conv_1_places.shape[0]"]
block = ["THREADS2"]
args = ["cdiv(conv_1_places.shape[3], 32)", "cdiv(conv_1_places.shape[1] * conv_1_places.shape[2], 64)", "conv_1_places.shape[3]", "conv_1_places.shape[1] * conv_1_places.shape[2]", "conv_1_places.shape[3]", "conv_1_places", "out"]
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

// i < x.shape[0], j < x.shape[2] * x.shape[3], k < x.shape[1]
extern "C" __global__ void __launch_bounds__(THREADS1) conv_input_kernel(int64_t strips, int64_t pieces, int64_t J, int64_t K, int64_t x_stride_k, const float* __restrict__ x_from, float* __restrict__ out_to) {
  const int64_t tile = blockIdx.x;
  const int64_t strip = (unsigned)tile % (unsigned)strips, piece = (unsigned)tile / (unsigned)strips % (unsigned)pieces;
  const int64_t row = (unsigned)tile / (unsigned)strips / (unsigned)pieces;
  const int64_t i = row;
  const int64_t top = strip * 64, begin = piece * 32;
  const int height = (int)least(64, J - top);
  const int count = (int)least(32, K - begin);
  constexpr int rounds = (2048 + THREADS1 - 1) / THREADS1;
  __shared__ float x__turned[64][33];
  float x__mine[rounds];
  #pragma unroll
  for (int v = 0; v < rounds; ++v) {
    const int e = v * THREADS1 + (int)threadIdx.x, down = e % 64, right = e / 64;
    if (down < height && right < count) {
      const int64_t j = top + down;
      const int64_t k = begin + right;
      x__mine[v] = *(x_from + i * J * K + j + k * x_stride_k);
    }
  }
  #pragma unroll
  for (int v = 0; v < rounds; ++v) {
    const int e = v * THREADS1 + (int)threadIdx.x, down = e % 64, right = e / 64;
    if (down < height && right < count) {
      x__turned[down][right] = x__mine[v];
    }
  }
  __syncthreads();
  #pragma unroll
  for (int v = 0; v < rounds; ++v) {
    const int e = v * THREADS1 + (int)threadIdx.x, down = e / 32, right = e % 32;
    if (down < height && right < count) {
      const int64_t j = top + down;
      const int64_t k = begin + right;
      const float x_ = x__turned[down][right];
      *(out_to + i * J * K + j * K + k) = x_;
    }
  }
}

// i < conv_places.shape[0], j < conv_places.shape[3], k < conv_places.shape[1] * conv_places.shape[2]
extern "C" __global__ void __launch_bounds__(THREADS2) conv_kernel(int64_t strips, int64_t pieces, int64_t J, int64_t K, int64_t conv_places_stride_k, const float* __restrict__ conv_places_from, float* __restrict__ out_to) {
  const int64_t tile = blockIdx.x;
  const int64_t strip = (unsigned)tile % (unsigned)strips, piece = (unsigned)tile / (unsigned)strips % (unsigned)pieces;
  const int64_t row = (unsigned)tile / (unsigned)strips / (unsigned)pieces;
  const int64_t i = row;
  const int64_t top = strip * 32, begin = piece * 64;
  const int height = (int)least(32, J - top);
  const int count = (int)least(64, K - begin);
  constexpr int rounds = (2048 + THREADS2 - 1) / THREADS2;
  __shared__ float conv_places_turned[32][65];
  float conv_places_mine[rounds];
  #pragma unroll
  for (int v = 0; v < rounds; ++v) {
    const int e = v * THREADS2 + (int)threadIdx.x, down = e % 32, right = e / 32;
    if (down < height && right < count) {
      const int64_t j = top + down;
      const int64_t k = begin + right;
      conv_places_mine[v] = *(conv_places_from + i * J * K + j + k * conv_places_stride_k);
    }
  }
  #pragma unroll
  for (int v = 0; v < rounds; ++v) {
    const int e = v * THREADS2 + (int)threadIdx.x, down = e % 32, right = e / 32;
    if (down < height && right < count) {
      conv_places_turned[down][right] = conv_places_mine[v];
    }
  }
  __syncthreads();
  #pragma unroll
  for (int v = 0; v < rounds; ++v) {
    const int e = v * THREADS2 + (int)threadIdx.x, down = e / 64, right = e % 64;
    if (down < height && right < count) {
      const int64_t j = top + down;
      const int64_t k = begin + right;
      const float conv_places = conv_places_turned[down][right];
      *(out_to + i * J * K + j * K + k) = conv_places;
    }
  }
}

// i < conv.shape[0], j < conv.shape[1], k < conv.shape[2] * conv.shape[3]
extern "C" __global__ void __launch_bounds__(THREADS3) relu_kernel(int64_t J, int64_t I, int64_t K, const float* __restrict__ weight_from, const float* __restrict__ bias_from, const float* __restrict__ conv_from, float norm_count_value, float* __restrict__ out_to) {
  const int64_t tile = blockIdx.x;
  const int lane = threadIdx.x % 16;
  const int64_t wanted = tile * (THREADS3 / 16) + threadIdx.x / 16;
  const int64_t row = least(wanted, J - 1);
  const int64_t j = row;
  const int count = (int)(I * K);
  constexpr int items = (240 + 16 * 4 - 1) / (16 * 4);  // vectors a thread
  const float weight = weight_from[j];
  const float bias = bias_from[j];
  float sum_of_pass_1[1][4] = {};
  const float* const conv_at = conv_from + j * K;
  float conv[items][4];
  #pragma unroll
  for (int v = 0; v < items; ++v) {
    const int at = (v * 16 + lane) * 4;
    if (at < count) {
      const int i = at / (int)(K);
      const int k = at % (int)(K);
      get(conv[v], conv_at + k + i * J * K);
    }
  }
  #pragma unroll
  for (int v = 0; v < items; ++v) {
    const int at = (v * 16 + lane) * 4;
    if (at < count) {
      const int i = at / (int)(K);
      const int k = at % (int)(K);
      #pragma unroll
      for (int e = 0; e < 4; ++e) {
        sum_of_pass_1[0][e] += conv[v][e];
      }
    }
  }
  const double sum_of_pass_1_0 = across<16>(in_double(sum_of_pass_1[0]), Plus());
  const double norm_1 = sum_of_pass_1_0;
  const double norm_2 = norm_1 / norm_count_value;
  float sum_of_pass_2[1][4] = {};
  #pragma unroll
  for (int v = 0; v < items; ++v) {
    const int at = (v * 16 + lane) * 4;
    if (at < count) {
      #pragma unroll
      for (int e = 0; e < 4; ++e) {
        const float norm_3 = conv[v][e] - (float)norm_2;
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
  float* const out_at = out_to + j * K;
  #pragma unroll
  for (int v = 0; v < items; ++v) {
    const int at = (v * 16 + lane) * 4;
    if (at < count) {
      const int i = at / (int)(K);
      const int k = at % (int)(K);
      float out[4];
      #pragma unroll
      for (int e = 0; e < 4; ++e) {
        const float norm_3 = conv[v][e] - (float)norm_2;
        const float norm_9 = norm_3 * norm_8;
        const float norm_10 = norm_9 * weight;
        const float norm_11 = norm_10 + bias;
        const float relu = norm_11 < 0.0f ? 0.0f : norm_11;
        out[e] = relu;
      }
      put(out_at + k + i * J * K, out);
    }
  }
}
