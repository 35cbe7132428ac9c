/* /// kerf
version = 1
supports = "x.ndim == 4 and x.shape[0] == 2 and x.shape[1] == 3 and x.shape[2] == 40 and x.shape[3] == 44 and conv.weight.shape[1] < 2147483648 and (x.shape[0] == 2 and x.shape[1] == 3 and x.shape[2] == 40 and x.shape[3] == 44)"
[tune]
THREADS1 = [256]
THREADS2 = [256]
[[scratch]]
name = "conv_weight_input"
dtype = "f32"
shape = ["conv.weight.shape[0]", "conv.weight.shape[2]", "conv.weight.shape[3]", "conv.weight.shape[1]"]
[[step]]
launch = "conv_weight_input_kernel"
grid = ["cdiv(conv.weight.shape[2] * conv.weight.shape[3], 16) * cdiv(conv.weight.shape[1], 4) * conv.weight.shape[0]"]
block = ["THREADS1"]
args = ["cdiv(conv.weight.shape[2] * conv.weight.shape[3], 16)", "cdiv(conv.weight.shape[1], 4)", "conv.weight.shape[2] * conv.weight.shape[3]", "conv.weight.shape[1]", "conv.weight.shape[3] * conv.weight.shape[2]", "conv.weight", "conv_weight_input"]
[[step]]
call = "aten.permute.default"
args = ["conv_weight_input", [0, 3, 1, 2]]
out = "conv_weight_image"
[[step]]
call = "aten.conv2d.default"
args = ["x", "conv_weight_image"]
out = "conv_last"
[[step]]
call = "aten.movedim.int"
args = ["conv_last", 1, -1]
out = "conv_places"
[[step]]
launch = "relu_kernel"
grid = ["cdiv(conv_places.shape[3], 32) * cdiv(conv_places.shape[1] * conv_places.shape[2], 64) * conv_places.shape[0]"]
block = ["THREADS2"]
args = ["cdiv(conv_places.shape[3], 32)", "cdiv(conv_places.shape[1] * conv_places.shape[2], 64)", "conv_places.shape[3]", "conv_places.shape[1] * conv_places.shape[2]", "conv_places.shape[3]", "conv_places", "out"]
/// */

__device__ inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

// i < conv.weight.shape[0], j < conv.weight.shape[2] * conv.weight.shape[3], k < conv.weight.shape[1]
extern "C" __global__ void __launch_bounds__(THREADS1) conv_weight_input_kernel(int64_t strips, int64_t pieces, int64_t J, int64_t K, int64_t conv_weight_stride_k, const float* __restrict__ conv_weight_from, float* __restrict__ out_to) {
  const int64_t tile = blockIdx.x;
  const int64_t strip = (unsigned)tile % (unsigned)strips, piece = (unsigned)tile / (unsigned)strips % (unsigned)pieces;
  const int64_t row = (unsigned)tile / (unsigned)strips / (unsigned)pieces;
  const int64_t i = row;
  const int64_t top = strip * 16, begin = piece * 4;
  const int height = (int)least(16, J - top);
  const int count = (int)least(4, K - begin);
  constexpr int rounds = (64 + THREADS1 - 1) / THREADS1;
  __shared__ float conv_weight_turned[16][5];
  float conv_weight_mine[rounds];
  #pragma unroll
  for (int v = 0; v < rounds; ++v) {
    const int e = v * THREADS1 + (int)threadIdx.x, down = e % 16, right = e / 16;
    if (down < height && right < count) {
      const int64_t j = top + down;
      const int64_t k = begin + right;
      conv_weight_mine[v] = *(conv_weight_from + i * J * K + j + k * conv_weight_stride_k);
    }
  }
  #pragma unroll
  for (int v = 0; v < rounds; ++v) {
    const int e = v * THREADS1 + (int)threadIdx.x, down = e % 16, right = e / 16;
    if (down < height && right < count) {
      conv_weight_turned[down][right] = conv_weight_mine[v];
    }
  }
  __syncthreads();
  #pragma unroll
  for (int v = 0; v < rounds; ++v) {
    const int e = v * THREADS1 + (int)threadIdx.x, down = e / 4, right = e % 4;
    if (down < height && right < count) {
      const int64_t j = top + down;
      const int64_t k = begin + right;
      const float conv_weight = conv_weight_turned[down][right];
      *(out_to + i * J * K + j * K + k) = conv_weight;
    }
  }
}

// i < conv_places.shape[0], j < conv_places.shape[3], k < conv_places.shape[1] * conv_places.shape[2]
extern "C" __global__ void __launch_bounds__(THREADS2) relu_kernel(int64_t strips, int64_t pieces, int64_t J, int64_t K, int64_t conv_places_stride_k, const float* __restrict__ conv_places_from, float* __restrict__ out_to) {
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
      const float relu = conv_places < 0.0f ? 0.0f : conv_places;
      *(out_to + i * J * K + j * K + k) = relu;
    }
  }
}
