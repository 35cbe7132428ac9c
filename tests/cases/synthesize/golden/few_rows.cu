/* /// kerf
version = 1
supports = "x.ndim == 2 and x.shape[0] == 16 and x.shape[1] == 512 and (x.shape[0] == 16 and x.shape[1] == 512)"
[tune]
THREADS = [256]
[[step]]
call = "aten.t.default"
args = ["x"]
out = "linear_product_input"
[[step]]
call = "aten.mm.default"
args = ["w", "linear_product_input"]
out = "linear_product_turned"
[[step]]
launch = "gelu_kernel"
grid = ["cdiv(linear_product_turned.shape[1], 16) * cdiv(linear_product_turned.shape[0], 128)"]
block = ["THREADS"]
args = ["cdiv(linear_product_turned.shape[1], 16)", "cdiv(linear_product_turned.shape[0], 128)", "linear_product_turned.shape[1]", "linear_product_turned.shape[0]", "linear_product_turned.shape[1]", "linear_product_turned", "b", "out"]
/// */

__device__ inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

// i < linear_product_turned.shape[1], j < linear_product_turned.shape[0]
extern "C" __global__ void __launch_bounds__(THREADS) gelu_kernel(int64_t strips, int64_t pieces, int64_t I, int64_t J, int64_t linear_product_turned_stride_j, const float* __restrict__ linear_product_turned_from, const float* __restrict__ b_from, float* __restrict__ out_to) {
  const int64_t tile = blockIdx.x;
  const int64_t strip = (unsigned)tile % (unsigned)strips, piece = (unsigned)tile / (unsigned)strips % (unsigned)pieces;
  const int64_t top = strip * 16, begin = piece * 128;
  const int height = (int)least(16, I - top);
  const int count = (int)least(128, J - begin);
  constexpr int rounds = (2048 + THREADS - 1) / THREADS;
  __shared__ float linear_product_turned_turned[16][129];
  float linear_product_turned_mine[rounds];
  #pragma unroll
  for (int v = 0; v < rounds; ++v) {
    const int e = v * THREADS + (int)threadIdx.x, down = e % 16, right = e / 16;
    if (down < height && right < count) {
      const int64_t i = top + down;
      const int64_t j = begin + right;
      linear_product_turned_mine[v] = *(linear_product_turned_from + i + j * linear_product_turned_stride_j);
    }
  }
  #pragma unroll
  for (int v = 0; v < rounds; ++v) {
    const int e = v * THREADS + (int)threadIdx.x, down = e % 16, right = e / 16;
    if (down < height && right < count) {
      linear_product_turned_turned[down][right] = linear_product_turned_mine[v];
    }
  }
  __syncthreads();
  #pragma unroll
  for (int v = 0; v < rounds; ++v) {
    const int e = v * THREADS + (int)threadIdx.x, down = e / 128, right = e % 128;
    if (down < height && right < count) {
      const int64_t i = top + down;
      const int64_t j = begin + right;
      const float linear_product_turned = linear_product_turned_turned[down][right];
      const float b_ = b_from[j];
      const float linear = linear_product_turned + b_;
      const float gelu_1 = linear * 0.70710677f;
      const float gelu_2 = erff(gelu_1);
      const float gelu_4 = gelu_2 + 1.0f;
      const float gelu_6 = linear * 0.5f;
      const float gelu_7 = gelu_6 * gelu_4;
      *(out_to + i * J + j) = gelu_7;
    }
  }
}
