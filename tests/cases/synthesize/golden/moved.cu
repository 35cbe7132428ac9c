/* /// kerf
version = 1
supports = "x.ndim == 4 and x.shape[0] == 2 and x.shape[1] == 3 and x.shape[2] == 20 and x.shape[3] == 50 and (x.shape[0] * x.shape[1] * (3 + x.shape[2])) * (x.shape[3] + 3) < 2147483648"
[tune]
THREADS = [128, 256]
[[step]]
launch = "abs_kernel"
grid = ["cdiv((x.shape[0] * x.shape[1] * (3 + x.shape[2])) * (x.shape[3] + 3), THREADS * 4)"]
block = ["THREADS"]
args = ["x.shape[0] * x.shape[1]", "3 + x.shape[2]", "x.shape[3] + 3", "out", "x", "x.shape[3] - 3", "x.shape[3]", "x.shape[2] - 1", "x.shape[3] * (-1)", "x.shape[2] * x.shape[3]"]
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

// i < x.shape[0] * x.shape[1], j < 3 + x.shape[2], k < x.shape[3] + 3
extern "C" __global__ void __launch_bounds__(THREADS) abs_kernel(int64_t I, int64_t J, int64_t K, float* __restrict__ out_to, const float* __restrict__ x_flipped_from, int64_t x_flipped_shift, int64_t x_flipped_step, int64_t x_flipped_shift_1, int64_t x_flipped_stride_j, int64_t x_flipped_stride_i) {
  const int64_t tile = blockIdx.x;
  const int64_t begin = tile * (THREADS * 4);
  const int count = (int)least(THREADS * 4, I * J * K - begin);
  float* const out_at = out_to + begin;
  const float* const x_flipped_at = x_flipped_from + x_flipped_shift + x_flipped_shift_1 * x_flipped_step;
  const float* const x_flipped_1_at = x_flipped_from + -6 + x_flipped_shift_1 * x_flipped_step;
  #pragma unroll
  for (int v = 0; v < 4; ++v) {
    const int at = v * THREADS + (int)threadIdx.x;
    if (at < count) {
      const int i = (int)(begin + at) / (int)(J * K);
      const int j = (int)(begin + at) / (int)(K) % (int)(J);
      const int k = (int)(begin + at) % (int)(K);
      float out[1];
      #pragma unroll
      for (int e = 0; e < 1; ++e) {
        const float o_index = (float)(k + e);
        const bool roll_1 = o_index < 5.0f;
        const float x_flipped = (k + e) + x_flipped_shift >= 0 && (k + e) + x_flipped_shift < x_flipped_step && j * -1 + x_flipped_shift_1 >= 0 ? *(x_flipped_at + k + j * x_flipped_stride_j + i * x_flipped_stride_i + e) : 0.5f;
        const float x_flipped_1 = (k + e) + -6 >= 0 && (k + e) + -6 < x_flipped_step && j * -1 + x_flipped_shift_1 >= 0 ? *(x_flipped_1_at + k + j * x_flipped_stride_j + i * x_flipped_stride_i + e) : 0.5f;
        const float roll_flipped = roll_1 ? x_flipped : x_flipped_1;
        const float abs = fabsf(roll_flipped);
        out[e] = abs;
      }
      put(out_at + at, out);
    }
  }
}
