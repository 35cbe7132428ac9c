/* /// kerf
version = 1
supports = "x.ndim == 4 and x.shape[0] == 2 and x.shape[1] == 3 and x.shape[2] == 40 and x.shape[3] == 44 and (x.shape[0] == 2 and x.shape[1] == 3 and x.shape[2] == 40 and x.shape[3] == 44)"
[tune]
THREADS = [256]
[[step]]
call = "aten.clone.default"
args = ["conv.weight"]
kwargs = { memory_format = "channels_last" }
out = "conv_weight"
[[step]]
call = "aten.conv2d.default"
args = ["x", "conv_weight"]
out = "conv_last"
[[step]]
call = "aten.movedim.int"
args = ["conv_last", 1, -1]
out = "conv_places"
[[step]]
launch = "relu_kernel"
grid = ["cdiv(conv_places.shape[3], 32) * cdiv(conv_places.shape[1] * conv_places.shape[2], 64) * conv_places.shape[0]"]
block = ["THREADS"]
args = ["cdiv(conv_places.shape[3], 32)", "cdiv(conv_places.shape[1] * conv_places.shape[2], 64)", "conv_places.shape[3]", "conv_places.shape[1] * conv_places.shape[2]", "conv_places.shape[3]", "conv_places", "out"]
/// */

__device__ inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

// i < conv_places.shape[0], j < conv_places.shape[3], k < conv_places.shape[1] * conv_places.shape[2]
extern "C" __global__ void __launch_bounds__(THREADS) relu_kernel(int64_t strips, int64_t pieces, int64_t J, int64_t K, int64_t conv_places_stride_k, const float* __restrict__ conv_places_from, float* __restrict__ out_to) {
  const int64_t tile = blockIdx.x;
  const int64_t strip = (unsigned)tile % (unsigned)strips, piece = (unsigned)tile / (unsigned)strips % (unsigned)pieces;
  const int64_t row = (unsigned)tile / (unsigned)strips / (unsigned)pieces;
  const int64_t i = row;
  const int64_t top = strip * 32, begin = piece * 64;
  const int height = (int)least(32, J - top);
  const int count = (int)least(64, K - begin);
  constexpr int rounds = (2048 + THREADS - 1) / THREADS;
  __shared__ float conv_places_turned[32][65];
  float conv_places_mine[rounds];
  #pragma unroll
  for (int v = 0; v < rounds; ++v) {
    const int e = v * THREADS + (int)threadIdx.x, down = e % 32, right = e / 32;
    if (down < height && right < count) {
      const int64_t j = top + down;
      const int64_t k = begin + right;
      conv_places_mine[v] = *(conv_places_from + i * J * K + j + k * conv_places_stride_k);
    }
  }
  #pragma unroll
  for (int v = 0; v < rounds; ++v) {
    const int e = v * THREADS + (int)threadIdx.x, down = e % 32, right = e / 32;
    if (down < height && right < count) {
      conv_places_turned[down][right] = conv_places_mine[v];
    }
  }
  __syncthreads();
  #pragma unroll
  for (int v = 0; v < rounds; ++v) {
    const int e = v * THREADS + (int)threadIdx.x, down = e / 64, right = e % 64;
    if (down < height && right < count) {
      const int64_t j = top + down;
      const int64_t k = begin + right;
      const float conv_places = conv_places_turned[down][right];
      const float relu = conv_places < 0.0f ? 0.0f : conv_places;
      *(out_to + i * J * K + j * K + k) = relu;
    }
  }
}
