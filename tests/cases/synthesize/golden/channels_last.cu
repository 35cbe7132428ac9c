/* /// kerf
version = 1
supports = "x.ndim == 4 and x.shape[0] == 2 and x.shape[1] == 16 and x.shape[2] == 12 and x.shape[3] == 14 and x.shape[1] < 2147483648 and (x.shape[0] == 2 and x.shape[1] == 16 and x.shape[2] == 12 and x.shape[3] == 14)"
[tune]
THREADS1 = [256]
THREADS2 = [256]
[[scratch]]
name = "conv_product_input"
dtype = "f32"
shape = ["x.shape[0]", "x.shape[2]", "x.shape[3]", "x.shape[1]"]
[[step]]
launch = "conv_product_input_kernel"
grid = ["cdiv(x.shape[2] * x.shape[3], 128) * cdiv(x.shape[1], 16) * x.shape[0]"]
block = ["THREADS1"]
args = ["cdiv(x.shape[2] * x.shape[3], 128)", "cdiv(x.shape[1], 16)", "x.shape[2] * x.shape[3]", "x.shape[1]", "x.shape[3] * x.shape[2]", "x", "conv_product_input"]
[[step]]
call = "aten.permute.default"
args = ["conv_product_input", [0, 3, 1, 2]]
out = "conv_product_image"
[[step]]
call = "aten.conv_transpose2d.input"
args = ["conv_product_image", "conv.weight", "none", [2, 2]]
out = "conv_product_last"
[[step]]
call = "aten.movedim.int"
args = ["conv_product_last", 1, -1]
out = "conv_product_places"
[[step]]
launch = "swish_kernel"
grid = ["cdiv(conv_product_places.shape[3], 32) * cdiv(conv_product_places.shape[1] * conv_product_places.shape[2], 64) * conv_product_places.shape[0]"]
block = ["THREADS2"]
args = ["cdiv(conv_product_places.shape[3], 32)", "cdiv(conv_product_places.shape[1] * conv_product_places.shape[2], 64)", "conv_product_places.shape[3]", "conv_product_places.shape[1] * conv_product_places.shape[2]", "conv_product_places.shape[3]", "conv_product_places", "conv.bias", "bias", "out"]
/// */

__device__ inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
__device__ inline float sigmoid(float x) { return __fdividef(1.0f, 1.0f + expf(-x)); }

// i < x.shape[0], j < x.shape[2] * x.shape[3], k < x.shape[1]
extern "C" __global__ void __launch_bounds__(THREADS1) conv_product_input_kernel(int64_t strips, int64_t pieces, int64_t J, int64_t K, int64_t x_stride_k, const float* __restrict__ x_from, float* __restrict__ out_to) {
  const int64_t tile = blockIdx.x;
  const int64_t strip = (unsigned)tile % (unsigned)strips, piece = (unsigned)tile / (unsigned)strips % (unsigned)pieces;
  const int64_t row = (unsigned)tile / (unsigned)strips / (unsigned)pieces;
  const int64_t i = row;
  const int64_t top = strip * 128, begin = piece * 16;
  const int height = (int)least(128, J - top);
  const int count = (int)least(16, K - begin);
  constexpr int rounds = (2048 + THREADS1 - 1) / THREADS1;
  __shared__ float x__turned[128][17];
  float x__mine[rounds];
  #pragma unroll
  for (int v = 0; v < rounds; ++v) {
    const int e = v * THREADS1 + (int)threadIdx.x, down = e % 128, right = e / 128;
    if (down < height && right < count) {
      const int64_t j = top + down;
      const int64_t k = begin + right;
      x__mine[v] = *(x_from + i * J * K + j + k * x_stride_k);
    }
  }
  #pragma unroll
  for (int v = 0; v < rounds; ++v) {
    const int e = v * THREADS1 + (int)threadIdx.x, down = e % 128, right = e / 128;
    if (down < height && right < count) {
      x__turned[down][right] = x__mine[v];
    }
  }
  __syncthreads();
  #pragma unroll
  for (int v = 0; v < rounds; ++v) {
    const int e = v * THREADS1 + (int)threadIdx.x, down = e / 16, right = e % 16;
    if (down < height && right < count) {
      const int64_t j = top + down;
      const int64_t k = begin + right;
      const float x_ = x__turned[down][right];
      *(out_to + i * J * K + j * K + k) = x_;
    }
  }
}

// i < conv_product_places.shape[0], j < conv_product_places.shape[3], k < conv_product_places.shape[1] * conv_product_places.shape[2]
extern "C" __global__ void __launch_bounds__(THREADS2) swish_kernel(int64_t strips, int64_t pieces, int64_t J, int64_t K, int64_t conv_product_places_stride_k, const float* __restrict__ conv_product_places_from, const float* __restrict__ conv_bias_from, const float* __restrict__ bias_from, float* __restrict__ out_to) {
  const int64_t tile = blockIdx.x;
  const int64_t strip = (unsigned)tile % (unsigned)strips, piece = (unsigned)tile / (unsigned)strips % (unsigned)pieces;
  const int64_t row = (unsigned)tile / (unsigned)strips / (unsigned)pieces;
  const int64_t i = row;
  const int64_t top = strip * 32, begin = piece * 64;
  const int height = (int)least(32, J - top);
  const int count = (int)least(64, K - begin);
  constexpr int rounds = (2048 + THREADS2 - 1) / THREADS2;
  __shared__ float conv_product_places_turned[32][65];
  float conv_product_places_mine[rounds];
  #pragma unroll
  for (int v = 0; v < rounds; ++v) {
    const int e = v * THREADS2 + (int)threadIdx.x, down = e % 32, right = e / 32;
    if (down < height && right < count) {
      const int64_t j = top + down;
      const int64_t k = begin + right;
      conv_product_places_mine[v] = *(conv_product_places_from + i * J * K + j + k * conv_product_places_stride_k);
    }
  }
  #pragma unroll
  for (int v = 0; v < rounds; ++v) {
    const int e = v * THREADS2 + (int)threadIdx.x, down = e % 32, right = e / 32;
    if (down < height && right < count) {
      conv_product_places_turned[down][right] = conv_product_places_mine[v];
    }
  }
  __syncthreads();
  #pragma unroll
  for (int v = 0; v < rounds; ++v) {
    const int e = v * THREADS2 + (int)threadIdx.x, down = e / 64, right = e % 64;
    if (down < height && right < count) {
      const int64_t j = top + down;
      const int64_t k = begin + right;
      const float conv_product_places = conv_product_places_turned[down][right];
      const float conv_bias = conv_bias_from[j];
      const float conv = conv_product_places + conv_bias;
      const float bias = bias_from[j];
      const float add = conv + bias;
      const float swish = sigmoid(add);
      const float swish_1 = add * swish;
      *(out_to + i * J * K + j * K + k) = swish_1;
    }
  }
}
