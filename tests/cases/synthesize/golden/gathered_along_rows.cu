/* /// kerf
version = 1
supports = "x.ndim == 2 and x.shape[0] == 64 and x.shape[1] == 300 and i.ndim == 2 and i.shape[0] == 64 and i.shape[1] == 300 and rows.ndim == 1 and rows.shape[0] == 40 and columns.ndim == 1 and columns.shape[0] == 40 and (x.shape[1]) % 4 == 0 and x.shape[0] * x.shape[1] < 2147483648"
[tune]
THREADS1 = [128, 256]
THREADS2 = [128, 256]
[[step]]
launch = "add_kernel"
grid = ["cdiv(x.shape[0] * x.shape[1], THREADS1 * 4)"]
block = ["THREADS1"]
args = ["x.shape[0]", "x.shape[1]", "out0", "x", "i", "x", "x.shape[1]"]
[[step]]
launch = "exp_kernel"
grid = ["cdiv(rows.shape[0], THREADS2 * 4)"]
block = ["THREADS2"]
args = ["rows.shape[0]", "out1", "rows", "columns", "x", "f32(x.shape[0])", "f32(x.shape[1])", "x.shape[1]"]
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

// i < x.shape[0], j < x.shape[1]
extern "C" __global__ void __launch_bounds__(THREADS1) add_kernel(int64_t I, int64_t J, float* __restrict__ out_to, const float* __restrict__ x_from, const int64_t* __restrict__ i_from, const float* __restrict__ x_picked_from, int64_t x_picked_stride_i) {
  const int64_t tile = blockIdx.x;
  const int64_t begin = tile * (THREADS1 * 4);
  const int count = (int)least(THREADS1 * 4, I * J - begin);
  float* const out_at = out_to + begin;
  const float* const x_at = x_from + begin;
  const int64_t* const i_at = i_from + begin;
  float x_[1][4];
  int64_t i_[1][4];
  #pragma unroll
  for (int v = 0; v < 1; ++v) {
    const int at = (v * THREADS1 + (int)threadIdx.x) * 4;
    if (at < count) {
      const int i = (int)(begin + at) / (int)(J);
      const int j = (int)(begin + at) % (int)(J);
      get(x_[v], x_at + at);
      gather(i_[v], i_at + at, 1);
    }
  }
  #pragma unroll
  for (int v = 0; v < 1; ++v) {
    const int at = (v * THREADS1 + (int)threadIdx.x) * 4;
    if (at < count) {
      const int i = (int)(begin + at) / (int)(J);
      const int j = (int)(begin + at) % (int)(J);
      float out[4];
      #pragma unroll
      for (int e = 0; e < 4; ++e) {
        const float x_picked = *(x_picked_from + i_[v][e] + i * x_picked_stride_i);
        const float add = x_picked + x_[v][e];
        out[e] = add;
      }
      put(out_at + at, out);
    }
  }
}

// i < rows.shape[0]
extern "C" __global__ void __launch_bounds__(THREADS2) exp_kernel(int64_t I, float* __restrict__ out_to, const int64_t* __restrict__ rows_from, const int64_t* __restrict__ columns_from, const float* __restrict__ x_picked_from, float index_count_value, float index_count_1_value, int64_t x_picked_stride_pick1) {
  const int64_t tile = blockIdx.x;
  const int64_t begin = tile * (THREADS2 * 4);
  const int count = (int)least(THREADS2 * 4, I - begin);
  float* const out_at = out_to + begin;
  const int64_t* const rows_at = rows_from + begin;
  const int64_t* const columns_at = columns_from + begin;
  int64_t rows_[1][4];
  int64_t columns[1][4];
  #pragma unroll
  for (int v = 0; v < 1; ++v) {
    const int at = (v * THREADS2 + (int)threadIdx.x) * 4;
    if (at < count) {
      gather(rows_[v], rows_at + at, 1, count - at);
      gather(columns[v], columns_at + at, 1, count - at);
    }
  }
  #pragma unroll
  for (int v = 0; v < 1; ++v) {
    const int at = (v * THREADS2 + (int)threadIdx.x) * 4;
    if (at < count) {
      float out[4];
      #pragma unroll
      for (int e = 0; e < 4; ++e) {
        const float index = (float)rows_[v][e];
        const float index_1 = index + index_count_value;
        const bool index_3 = index < 0.0f;
        const float index_4 = index_3 ? index_1 : index;
        const float index_5 = (float)columns[v][e];
        const float index_6 = index_5 + index_count_1_value;
        const bool index_7 = index_5 < 0.0f;
        const float index_8 = index_7 ? index_6 : index_5;
        const float x_picked = *(x_picked_from + (int64_t)index_8 + (int64_t)index_4 * x_picked_stride_pick1);
        const float exp = expf(x_picked);
        out[e] = exp;
      }
      put(out_at + at, out, count - at);
    }
  }
}
