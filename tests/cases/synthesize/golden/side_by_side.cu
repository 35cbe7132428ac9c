/* /// kerf
version = 1
supports = "x.ndim == 4 and x.shape[0] == 4 and x.shape[1] == 3 and x.shape[2] == 16 and x.shape[3] == 64 and y.ndim == 4 and y.shape[0] == 4 and y.shape[1] == 5 and y.shape[2] == 16 and y.shape[3] == 64 and (x.shape[0] * (x.shape[1] + y.shape[1])) * x.shape[2] * x.shape[3] < 2147483648"
[tune]
THREADS = [128, 256]
[[step]]
launch = "mul_kernel"
grid = ["cdiv((x.shape[0] * (x.shape[1] + y.shape[1])) * x.shape[2] * x.shape[3], THREADS * 4)"]
block = ["THREADS"]
args = ["x.shape[0]", "x.shape[1] + y.shape[1]", "x.shape[2] * x.shape[3]", "out", "y", "x.shape[3] * x.shape[2]", "0 - x.shape[1]", "x", "f32(x.shape[1])", "y.shape[1] * x.shape[3] * x.shape[2]", "x.shape[1] * x.shape[3] * x.shape[2]", "x.shape[1]"]
/// */

__device__ inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
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

// i < x.shape[0], j < x.shape[1] + y.shape[1], k < x.shape[2] * x.shape[3]
extern "C" __global__ void __launch_bounds__(THREADS) mul_kernel(int64_t I, int64_t J, int64_t K, float* __restrict__ out_to, const float* __restrict__ y_from, int64_t y_step, int64_t y_shift, const float* __restrict__ x_from, float cat_count_value, int64_t y_stride_i, int64_t x_stride_i, int64_t x_limit) {
  const int64_t tile = blockIdx.x;
  const int64_t begin = tile * (THREADS * 4);
  const int count = (int)least(THREADS * 4, I * J * K - begin);
  float* const out_at = out_to + begin;
  const float* const y_at = y_from + y_shift * y_step;
  #pragma unroll
  for (int v = 0; v < 4; ++v) {
    const int at = v * THREADS + (int)threadIdx.x;
    if (at < count) {
      const int i = (int)(begin + at) / (int)(J * K);
      const int j = (int)(begin + at) / (int)(K) % (int)(J);
      const int k = (int)(begin + at) % (int)(K);
      const float o_index = (float)j;
      const bool cat = o_index < cat_count_value;
      float out[1];
      #pragma unroll
      for (int e = 0; e < 1; ++e) {
        const float y_ = j + y_shift >= 0 ? *(y_at + k + j * y_step + i * y_stride_i + e) : 0.0f;
        const float x_ = j < x_limit ? *(x_from + k + j * y_step + i * x_stride_i + e) : 0.0f;
        const float relu = x_ < 0.0f ? 0.0f : x_;
        const float cat_1 = cat ? relu : y_;
        const float mul_1 = cat_1 * 0.5f;
        out[e] = mul_1;
      }
      put(out_at + at, out);
    }
  }
}
