/* /// kerf
version = 1
supports = "x.ndim == 4 and x.shape[0] == 2 and x.shape[1] == 16 and x.shape[2] == 12 and x.shape[3] == 14 and (x.shape[1]) % 4 == 0 and x.shape[0] * x.shape[2] * x.shape[3] * x.shape[1] < 2147483648 and (x.shape[0] == 2 and x.shape[1] == 16 and x.shape[2] == 12 and x.shape[3] == 14)"
[tune]
THREADS1 = [256, 512]
THREADS2 = [256, 512]
[[scratch]]
name = "conv_product_input"
dtype = "f32"
shape = ["x.shape[0]", "x.shape[2]", "x.shape[3]", "x.shape[1]"]
[[step]]
launch = "conv_product_input_kernel"
grid = ["cdiv(x.shape[0] * x.shape[2] * x.shape[3] * x.shape[1], THREADS1 * 16)"]
block = ["THREADS1"]
args = ["x.shape[0]", "x.shape[2] * x.shape[3]", "x.shape[1]", "conv_product_input", "x", "x.shape[3] * x.shape[2]"]
[[step]]
call = "aten.permute.default"
args = ["conv_product_input", [0, 3, 1, 2]]
out = "conv_product_image"
[[step]]
call = "aten.conv_transpose2d.input"
args = ["conv_product_image", "conv.weight", "none", [2, 2]]
out = "conv_product_last"
[[step]]
launch = "swish_kernel"
grid = ["cdiv(conv_product_last.shape[0] * conv_product_last.shape[1] * conv_product_last.shape[2] * conv_product_last.shape[3], THREADS2 * 4)"]
block = ["THREADS2"]
args = ["conv_product_last.shape[0]", "conv_product_last.shape[1]", "conv_product_last.shape[2] * conv_product_last.shape[3]", "out", "conv_product_last", "conv_product_last.stride[3]", "conv_product_last.stride[1]", "conv_product_last.stride[0]", "conv.bias", "bias"]
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
__device__ inline float sigmoid(float x) { return __fdividef(1.0f, 1.0f + expf(-x)); }

// i < x.shape[0], j < x.shape[2] * x.shape[3], k < x.shape[1]
extern "C" __global__ void __launch_bounds__(THREADS1) conv_product_input_kernel(int64_t I, int64_t J, int64_t K, float* __restrict__ out_to, const float* __restrict__ x_from, int64_t x_stride_k) {
  const int64_t tile = blockIdx.x;
  const int64_t begin = tile * (THREADS1 * 16);
  const int count = (int)least(THREADS1 * 16, I * J * K - begin);
  float* const out_at = out_to + begin;
  float x_[4][4];
  #pragma unroll
  for (int v = 0; v < 4; ++v) {
    const int at = (v * THREADS1 + (int)threadIdx.x) * 4;
    if (at < count) {
      const int i = (int)(begin + at) / (int)(J * K);
      const int j = (int)(begin + at) / (int)(K) % (int)(J);
      const int k = (int)(begin + at) % (int)(K);
      gather(x_[v], x_from + j + k * x_stride_k + i * J * K, x_stride_k);
    }
  }
  #pragma unroll
  for (int v = 0; v < 4; ++v) {
    const int at = (v * THREADS1 + (int)threadIdx.x) * 4;
    if (at < count) {
      const int i = (int)(begin + at) / (int)(J * K);
      const int j = (int)(begin + at) / (int)(K) % (int)(J);
      const int k = (int)(begin + at) % (int)(K);
      float out[4];
      #pragma unroll
      for (int e = 0; e < 4; ++e) {
        out[e] = x_[v][e];
      }
      put(out_at + at, out);
    }
  }
}

// i < conv_product_last.shape[0], j < conv_product_last.shape[1], k < conv_product_last.shape[2] * conv_product_last.shape[3]
extern "C" __global__ void __launch_bounds__(THREADS2) swish_kernel(int64_t I, int64_t J, int64_t K, float* __restrict__ out_to, const float* __restrict__ conv_product_last_from, int64_t conv_product_last_stride_k, int64_t conv_product_last_stride_j, int64_t conv_product_last_stride_i, const float* __restrict__ conv_bias_from, const float* __restrict__ bias_from) {
  const int64_t tile = blockIdx.x;
  const int64_t begin = tile * (THREADS2 * 4);
  const int count = (int)least(THREADS2 * 4, I * J * K - begin);
  float* const out_at = out_to + begin;
  float conv_product_last[4][1];
  #pragma unroll
  for (int v = 0; v < 4; ++v) {
    const int at = v * THREADS2 + (int)threadIdx.x;
    if (at < count) {
      const int i = (int)(begin + at) / (int)(J * K);
      const int j = (int)(begin + at) / (int)(K) % (int)(J);
      const int k = (int)(begin + at) % (int)(K);
      gather(conv_product_last[v], conv_product_last_from + k * conv_product_last_stride_k + j * conv_product_last_stride_j + i * conv_product_last_stride_i, conv_product_last_stride_k);
    }
  }
  #pragma unroll
  for (int v = 0; v < 4; ++v) {
    const int at = v * THREADS2 + (int)threadIdx.x;
    if (at < count) {
      const int i = (int)(begin + at) / (int)(J * K);
      const int j = (int)(begin + at) / (int)(K) % (int)(J);
      const int k = (int)(begin + at) % (int)(K);
      const float conv_bias = conv_bias_from[j];
      const float bias = bias_from[j];
      float out[1];
      #pragma unroll
      for (int e = 0; e < 1; ++e) {
        const float conv = conv_product_last[v][e] + conv_bias;
        const float add = conv + bias;
        const float swish = sigmoid(add);
        const float swish_1 = add * swish;
        out[e] = swish_1;
      }
      put(out_at + at, out);
    }
  }
}
