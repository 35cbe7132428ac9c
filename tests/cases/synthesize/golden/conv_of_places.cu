/* /// kerf
version = 1
supports = "x.ndim == 4 and x.shape[0] == 16 and x.shape[1] == 64 and x.shape[2] == 128 and x.shape[3] == 128 and x.shape[1] < 2147483648 and w.shape[1] < 2147483648"
[tune]
THREADS1 = [256]
THREADS2 = [256]
THREADS3 = [128, 256]
[[scratch]]
name = "conv_input"
dtype = "f32"
shape = ["x.shape[0]", "x.shape[2]", "x.shape[3]", "x.shape[1]"]
[[scratch]]
name = "conv_weight_input"
dtype = "f32"
shape = ["w.shape[0]", "w.shape[2]", "w.shape[3]", "w.shape[1]"]
[[step]]
launch = "conv_input_kernel"
grid = ["cdiv(x.shape[2] * x.shape[3], 32) * cdiv(x.shape[1], 64) * x.shape[0]"]
block = ["THREADS1"]
args = ["cdiv(x.shape[2] * x.shape[3], 32)", "cdiv(x.shape[1], 64)", "x.shape[2] * x.shape[3]", "x.shape[1]", "x.shape[3] * x.shape[2]", "x", "conv_input"]
[[step]]
call = "aten.permute.default"
args = ["conv_input", [0, 3, 1, 2]]
out = "conv_image"
[[step]]
launch = "conv_weight_input_kernel"
grid = ["cdiv(w.shape[2] * w.shape[3], 16) * cdiv(w.shape[1], 64) * w.shape[0]"]
block = ["THREADS2"]
args = ["cdiv(w.shape[2] * w.shape[3], 16)", "cdiv(w.shape[1], 64)", "w.shape[2] * w.shape[3]", "w.shape[1]", "w.shape[3] * w.shape[2]", "w", "conv_weight_input"]
[[step]]
call = "aten.permute.default"
args = ["conv_weight_input", [0, 3, 1, 2]]
out = "conv_weight_image"
[[step]]
call = "aten.conv2d.default"
args = ["conv_image", "conv_weight_image", "b", [1, 1], [1, 1]]
out = "conv"
[[step]]
launch = "relu_kernel"
grid = ["cdiv(conv.shape[0] * conv.shape[1] * conv.shape[2] * conv.shape[3], THREADS3 * 4)"]
block = ["THREADS3"]
args = ["conv.shape[0] * conv.shape[1] * conv.shape[2] * conv.shape[3]", "out", "conv"]
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

// i < x.shape[0], j < x.shape[2] * x.shape[3], k < x.shape[1]
extern "C" __global__ void __launch_bounds__(THREADS1) conv_input_kernel(int64_t strips, int64_t pieces, int64_t J, int64_t K, int64_t x_stride_k, const float* __restrict__ x_from, float* __restrict__ out_to) {
  const int64_t tile = blockIdx.x;
  const int64_t strip = (unsigned)tile % (unsigned)strips, piece = (unsigned)tile / (unsigned)strips % (unsigned)pieces;
  const int64_t row = (unsigned)tile / (unsigned)strips / (unsigned)pieces;
  const int64_t i = row;
  const int64_t top = strip * 32, begin = piece * 64;
  const int height = (int)least(32, J - top);
  const int count = (int)least(64, K - begin);
  constexpr int rounds = (2048 + THREADS1 - 1) / THREADS1;
  __shared__ float x__turned[32][65];
  float x__mine[rounds];
  #pragma unroll
  for (int v = 0; v < rounds; ++v) {
    const int e = v * THREADS1 + (int)threadIdx.x, down = e % 32, right = e / 32;
    if (down < height && right < count) {
      const int64_t j = top + down;
      const int64_t k = begin + right;
      x__mine[v] = __ldcs(x_from + i * J * K + j + k * x_stride_k);
    }
  }
  #pragma unroll
  for (int v = 0; v < rounds; ++v) {
    const int e = v * THREADS1 + (int)threadIdx.x, down = e % 32, right = e / 32;
    if (down < height && right < count) {
      x__turned[down][right] = x__mine[v];
    }
  }
  __syncthreads();
  #pragma unroll
  for (int v = 0; v < rounds; ++v) {
    const int e = v * THREADS1 + (int)threadIdx.x, down = e / 64, right = e % 64;
    if (down < height && right < count) {
      const int64_t j = top + down;
      const int64_t k = begin + right;
      const float x_ = x__turned[down][right];
      const float conv_rounded = 0;
      __stcs(out_to + i * J * K + j * K + k, conv_rounded);
    }
  }
}

// i < w.shape[0], j < w.shape[2] * w.shape[3], k < w.shape[1]
extern "C" __global__ void __launch_bounds__(THREADS2) conv_weight_input_kernel(int64_t strips, int64_t pieces, int64_t J, int64_t K, int64_t w_stride_k, const float* __restrict__ w_from, float* __restrict__ out_to) {
  const int64_t tile = blockIdx.x;
  const int64_t strip = (unsigned)tile % (unsigned)strips, piece = (unsigned)tile / (unsigned)strips % (unsigned)pieces;
  const int64_t row = (unsigned)tile / (unsigned)strips / (unsigned)pieces;
  const int64_t i = row;
  const int64_t top = strip * 16, begin = piece * 64;
  const int height = (int)least(16, J - top);
  const int count = (int)least(64, K - begin);
  constexpr int rounds = (1024 + THREADS2 - 1) / THREADS2;
  __shared__ float w__turned[16][65];
  float w__mine[rounds];
  #pragma unroll
  for (int v = 0; v < rounds; ++v) {
    const int e = v * THREADS2 + (int)threadIdx.x, down = e % 16, right = e / 16;
    if (down < height && right < count) {
      const int64_t j = top + down;
      const int64_t k = begin + right;
      w__mine[v] = *(w_from + i * J * K + j + k * w_stride_k);
    }
  }
  #pragma unroll
  for (int v = 0; v < rounds; ++v) {
    const int e = v * THREADS2 + (int)threadIdx.x, down = e % 16, right = e / 16;
    if (down < height && right < count) {
      w__turned[down][right] = w__mine[v];
    }
  }
  __syncthreads();
  #pragma unroll
  for (int v = 0; v < rounds; ++v) {
    const int e = v * THREADS2 + (int)threadIdx.x, down = e / 64, right = e % 64;
    if (down < height && right < count) {
      const int64_t j = top + down;
      const int64_t k = begin + right;
      const float w_ = w__turned[down][right];
      const float conv_weight_rounded = 0;
      *(out_to + i * J * K + j * K + k) = conv_weight_rounded;
    }
  }
}

// i < conv.shape[0] * conv.shape[1] * conv.shape[2] * conv.shape[3]
extern "C" __global__ void __launch_bounds__(THREADS3) relu_kernel(int64_t I, float* __restrict__ out_to, const float* __restrict__ conv_from) {
  const int64_t tile = blockIdx.x;
  const int64_t begin = tile * (THREADS3 * 4);
  const int count = (int)least(THREADS3 * 4, I - begin);
  float* const out_at = out_to + begin;
  const float* const conv_at = conv_from + begin;
  float conv[1][4];
  #pragma unroll
  for (int v = 0; v < 1; ++v) {
    const int at = (v * THREADS3 + (int)threadIdx.x) * 4;
    if (at < count) {
      get(conv[v], conv_at + at, count - at);
    }
  }
  #pragma unroll
  for (int v = 0; v < 1; ++v) {
    const int at = (v * THREADS3 + (int)threadIdx.x) * 4;
    if (at < count) {
      float out[4];
      #pragma unroll
      for (int e = 0; e < 4; ++e) {
        const float relu = conv[v][e] < 0.0f ? 0.0f : conv[v][e];
        out[e] = relu;
      }
      put(out_at + at, out, count - at);
    }
  }
}
