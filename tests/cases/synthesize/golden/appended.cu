/* /// kerf
version = 1
supports = "x.ndim == 4 and x.shape[0] == 4 and x.shape[1] == 16 and x.shape[2] == 16 and x.shape[3] == 64 and (x.shape[1] * x.shape[2] * x.shape[3]) % 4 == 0 and (x.shape[0] == 4 and x.shape[1] == 16 and x.shape[2] == 16 and x.shape[3] == 64)"
[tune]
THREADS1 = [128, 256]
THREADS2 = [128, 256]
THREADS3 = [128, 256]
THREADS4 = [128, 256]
THREADS5 = [128]
THREADS6 = [128]
[[scratch]]
name = "relu"
dtype = "f32"
shape = ["x.shape[0]", "x.shape[1]", "x.shape[2]", "x.shape[3]"]
[[scratch]]
name = "cat_2_0"
dtype = "f32"
shape = ["x.shape[0]", 40, "x.shape[2]", "x.shape[3]"]
[[scratch]]
name = "sigmoid"
dtype = "f32"
shape = ["cat_2_0.shape[0]", "min(24, cat_2_0.shape[1])", "cat_2_0.shape[2]", "cat_2_0.shape[3]"]
[[scratch]]
name = "tanh"
dtype = "f32"
shape = ["cat_2_0.shape[0]", "min(32, cat_2_0.shape[1])", "cat_2_0.shape[2]", "cat_2_0.shape[3]"]
[[step]]
launch = "cat_2_0_kernel"
grid = ["cdiv(x.shape[1] * x.shape[2] * x.shape[3], THREADS1 * 4) * x.shape[0]"]
block = ["THREADS1"]
args = ["cdiv(x.shape[1] * x.shape[2] * x.shape[3], THREADS1 * 4)", "x.shape[1] * x.shape[2] * x.shape[3]", "relu", "cat_2_0", "cat_2_0.shape[1] * x.shape[3] * x.shape[2]", "x"]
[[step]]
call = "aten.conv2d.default"
args = ["relu", "first", "none", [1, 1], [1, 1]]
out = "conv"
[[step]]
launch = "cat_2_1_kernel"
grid = ["cdiv(conv.shape[1] * conv.shape[2] * conv.shape[3], THREADS2 * 4) * conv.shape[0]"]
block = ["THREADS2"]
args = ["cdiv(conv.shape[1] * conv.shape[2] * conv.shape[3], THREADS2 * 4)", "conv.shape[1] * conv.shape[2] * conv.shape[3]", "cat_2_0", "cat_2_0.shape[1] * conv.shape[3] * conv.shape[2]", "conv.shape[3] * conv.shape[2]", "0 + 16", "conv"]
[[step]]
launch = "sigmoid_kernel"
grid = ["cdiv(min(24, cat_2_0.shape[1]) * cat_2_0.shape[2] * cat_2_0.shape[3], THREADS3 * 4) * cat_2_0.shape[0]"]
block = ["THREADS3"]
args = ["cdiv(min(24, cat_2_0.shape[1]) * cat_2_0.shape[2] * cat_2_0.shape[3], THREADS3 * 4)", "min(24, cat_2_0.shape[1]) * cat_2_0.shape[2] * cat_2_0.shape[3]", "sigmoid", "cat_2_0", "cat_2_0.shape[1] * cat_2_0.shape[3] * cat_2_0.shape[2]"]
[[step]]
call = "aten.conv2d.default"
args = ["sigmoid", "second", "none", [1, 1], [1, 1]]
out = "conv_1"
[[step]]
launch = "cat_2_1_kernel"
grid = ["cdiv(conv_1.shape[1] * conv_1.shape[2] * conv_1.shape[3], THREADS2 * 4) * conv_1.shape[0]"]
block = ["THREADS2"]
args = ["cdiv(conv_1.shape[1] * conv_1.shape[2] * conv_1.shape[3], THREADS2 * 4)", "conv_1.shape[1] * conv_1.shape[2] * conv_1.shape[3]", "cat_2_0", "cat_2_0.shape[1] * conv_1.shape[3] * conv_1.shape[2]", "conv_1.shape[3] * conv_1.shape[2]", "16 + 8", "conv_1"]
[[step]]
launch = "tanh_kernel"
grid = ["cdiv(min(32, cat_2_0.shape[1]) * cat_2_0.shape[2] * cat_2_0.shape[3], THREADS4 * 4) * cat_2_0.shape[0]"]
block = ["THREADS4"]
args = ["cdiv(min(32, cat_2_0.shape[1]) * cat_2_0.shape[2] * cat_2_0.shape[3], THREADS4 * 4)", "min(32, cat_2_0.shape[1]) * cat_2_0.shape[2] * cat_2_0.shape[3]", "tanh", "cat_2_0", "cat_2_0.shape[1] * cat_2_0.shape[3] * cat_2_0.shape[2]"]
[[step]]
call = "aten.conv2d.default"
args = ["tanh", "third", "none", [1, 1], [1, 1]]
out = "conv_2"
[[step]]
launch = "cat_2_3_kernel"
grid = ["cdiv(conv_2.shape[1] * conv_2.shape[2] * conv_2.shape[3], THREADS5 * 4) * conv_2.shape[0]"]
block = ["THREADS5"]
args = ["cdiv(conv_2.shape[1] * conv_2.shape[2] * conv_2.shape[3], THREADS5 * 4)", "conv_2.shape[1] * conv_2.shape[2] * conv_2.shape[3]", "cat_2_0", "cat_2_0.shape[1] * conv_2.shape[3] * conv_2.shape[2]", "conv_2.shape[3] * conv_2.shape[2]", "24 + 8", "conv_2"]
[[step]]
launch = "exp_kernel"
grid = ["cdiv(cat_2_0.shape[0] * cat_2_0.shape[1] * cat_2_0.shape[2] * cat_2_0.shape[3], THREADS6 * 4)"]
block = ["THREADS6"]
args = ["cat_2_0.shape[0] * cat_2_0.shape[1] * cat_2_0.shape[2] * cat_2_0.shape[3]", "out", "cat_2_0"]
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
// What this kernel does not read again leaves the caches first.
__device__ inline void put_past(float* to, const float (&v)[1]) { __stcs(to, v[0]); }
__device__ inline void put_past(float* to, const float (&v)[2]) { __stcs((float2*)to, make_float2(v[0], v[1])); }
__device__ inline void put_past(float* to, const float (&v)[4]) { __stcs((float4*)to, make_float4(v[0], v[1], v[2], v[3])); }
template <int width> __device__ inline void put_past(float* to, const float (&v)[width], int left) {
  if (left >= width) put_past(to, v); else scatter(to, v, 1, left);
}
__device__ inline float sigmoid(float x) { return __fdividef(1.0f, 1.0f + expf(-x)); }

// i < x.shape[0], j < x.shape[1] * x.shape[2] * x.shape[3]
extern "C" __global__ void __launch_bounds__(THREADS1) cat_2_0_kernel(int64_t pieces, int64_t J, float* __restrict__ out0_to, float* __restrict__ out1_to, int64_t out1_stride_i, const float* __restrict__ x_from) {
  const int64_t tile = blockIdx.x;
  const int64_t row = tile / pieces, piece = tile % pieces;
  const int64_t i = row;
  const int64_t begin = piece * (THREADS1 * 4);
  const int count = (int)least(THREADS1 * 4, J - begin);
  float* const out0_at = out0_to + i * J + begin;
  float* const out1_at = out1_to + i * out1_stride_i + begin;
  const float* const x_at = x_from + i * J + begin;
  float x_[1][4];
  #pragma unroll
  for (int v = 0; v < 1; ++v) {
    const int at = (v * THREADS1 + (int)threadIdx.x) * 4;
    if (at < count) {
      get(x_[v], x_at + at);
    }
  }
  #pragma unroll
  for (int v = 0; v < 1; ++v) {
    const int at = (v * THREADS1 + (int)threadIdx.x) * 4;
    if (at < count) {
      float out0[4];
      float out1[4];
      #pragma unroll
      for (int e = 0; e < 4; ++e) {
        const float relu = x_[v][e] < 0.0f ? 0.0f : x_[v][e];
        out0[e] = relu;
        out1[e] = relu;
      }
      put(out0_at + at, out0);
      put(out1_at + at, out1);
    }
  }
}

// i < conv.shape[0], j < conv.shape[1] * conv.shape[2] * conv.shape[3]
extern "C" __global__ void __launch_bounds__(THREADS2) cat_2_1_kernel(int64_t pieces, int64_t J, float* __restrict__ out_to, int64_t out_stride_i, int64_t out_step, int64_t out_shift, const float* __restrict__ conv_from) {
  const int64_t tile = blockIdx.x;
  const int64_t row = tile / pieces, piece = tile % pieces;
  const int64_t i = row;
  const int64_t begin = piece * (THREADS2 * 4);
  const int count = (int)least(THREADS2 * 4, J - begin);
  float* const out_at = out_to + i * out_stride_i + out_shift * out_step + begin;
  const float* const conv_at = conv_from + i * J + begin;
  float conv[1][4];
  #pragma unroll
  for (int v = 0; v < 1; ++v) {
    const int at = (v * THREADS2 + (int)threadIdx.x) * 4;
    if (at < count) {
      get(conv[v], conv_at + at);
    }
  }
  #pragma unroll
  for (int v = 0; v < 1; ++v) {
    const int at = (v * THREADS2 + (int)threadIdx.x) * 4;
    if (at < count) {
      float out[4];
      #pragma unroll
      for (int e = 0; e < 4; ++e) {
        out[e] = conv[v][e];
      }
      put(out_at + at, out);
    }
  }
}

// i < cat_2_1.shape[0], j < min(24, cat_2_1.shape[1]) * cat_2_1.shape[2] * cat_2_1.shape[3]
extern "C" __global__ void __launch_bounds__(THREADS3) sigmoid_kernel(int64_t pieces, int64_t J, float* __restrict__ out_to, const float* __restrict__ cat_2_1_from, int64_t cat_2_1_stride_i) {
  const int64_t tile = blockIdx.x;
  const int64_t row = tile / pieces, piece = tile % pieces;
  const int64_t i = row;
  const int64_t begin = piece * (THREADS3 * 4);
  const int count = (int)least(THREADS3 * 4, J - begin);
  float* const out_at = out_to + i * J + begin;
  const float* const cat_2_1_at = cat_2_1_from + i * cat_2_1_stride_i + begin;
  #pragma unroll
  for (int v = 0; v < 4; ++v) {
    const int at = v * THREADS3 + (int)threadIdx.x;
    if (at < count) {
      float out[1];
      #pragma unroll
      for (int e = 0; e < 1; ++e) {
        const float cat_2_1 = *(cat_2_1_at + at + e);
        const float sigmoid_ = sigmoid(cat_2_1);
        out[e] = sigmoid_;
      }
      put(out_at + at, out);
    }
  }
}

// i < cat_2_2.shape[0], j < min(32, cat_2_2.shape[1]) * cat_2_2.shape[2] * cat_2_2.shape[3]
extern "C" __global__ void __launch_bounds__(THREADS4) tanh_kernel(int64_t pieces, int64_t J, float* __restrict__ out_to, const float* __restrict__ cat_2_2_from, int64_t cat_2_2_stride_i) {
  const int64_t tile = blockIdx.x;
  const int64_t row = tile / pieces, piece = tile % pieces;
  const int64_t i = row;
  const int64_t begin = piece * (THREADS4 * 4);
  const int count = (int)least(THREADS4 * 4, J - begin);
  float* const out_at = out_to + i * J + begin;
  const float* const cat_2_2_at = cat_2_2_from + i * cat_2_2_stride_i + begin;
  #pragma unroll
  for (int v = 0; v < 4; ++v) {
    const int at = v * THREADS4 + (int)threadIdx.x;
    if (at < count) {
      float out[1];
      #pragma unroll
      for (int e = 0; e < 1; ++e) {
        const float cat_2_2 = *(cat_2_2_at + at + e);
        const float tanh = tanhf(cat_2_2);
        out[e] = tanh;
      }
      put_past(out_at + at, out);
    }
  }
}

// i < conv_2.shape[0], j < conv_2.shape[1] * conv_2.shape[2] * conv_2.shape[3]
extern "C" __global__ void __launch_bounds__(THREADS5) cat_2_3_kernel(int64_t pieces, int64_t J, float* __restrict__ out_to, int64_t out_stride_i, int64_t out_step, int64_t out_shift, const float* __restrict__ conv_2_from) {
  const int64_t tile = blockIdx.x;
  const int64_t row = tile / pieces, piece = tile % pieces;
  const int64_t i = row;
  const int64_t begin = piece * (THREADS5 * 4);
  const int count = (int)least(THREADS5 * 4, J - begin);
  float* const out_at = out_to + i * out_stride_i + out_shift * out_step + begin;
  const float* const conv_2_at = conv_2_from + i * J + begin;
  float conv_2[1][4];
  #pragma unroll
  for (int v = 0; v < 1; ++v) {
    const int at = (v * THREADS5 + (int)threadIdx.x) * 4;
    if (at < count) {
      get(conv_2[v], conv_2_at + at);
    }
  }
  #pragma unroll
  for (int v = 0; v < 1; ++v) {
    const int at = (v * THREADS5 + (int)threadIdx.x) * 4;
    if (at < count) {
      float out[4];
      #pragma unroll
      for (int e = 0; e < 4; ++e) {
        out[e] = conv_2[v][e];
      }
      put(out_at + at, out);
    }
  }
}

// i < cat_2_3.shape[0] * cat_2_3.shape[1] * cat_2_3.shape[2] * cat_2_3.shape[3]
extern "C" __global__ void __launch_bounds__(THREADS6) exp_kernel(int64_t I, float* __restrict__ out_to, const float* __restrict__ cat_2_3_from) {
  const int64_t tile = blockIdx.x;
  const int64_t begin = tile * (THREADS6 * 4);
  const int count = (int)least(THREADS6 * 4, I - begin);
  float* const out_at = out_to + begin;
  const float* const cat_2_3_at = cat_2_3_from + begin;
  float cat_2_3[1][4];
  #pragma unroll
  for (int v = 0; v < 1; ++v) {
    const int at = (v * THREADS6 + (int)threadIdx.x) * 4;
    if (at < count) {
      get(cat_2_3[v], cat_2_3_at + at, count - at);
    }
  }
  #pragma unroll
  for (int v = 0; v < 1; ++v) {
    const int at = (v * THREADS6 + (int)threadIdx.x) * 4;
    if (at < count) {
      float out[4];
      #pragma unroll
      for (int e = 0; e < 4; ++e) {
        const float exp = expf(cat_2_3[v][e]);
        out[e] = exp;
      }
      put(out_at + at, out, count - at);
    }
  }
}
