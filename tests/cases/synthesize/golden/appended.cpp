/* /// kerf
version = 1
supports = "x.ndim == 4 and x.shape[0] == 4 and x.shape[1] == 16 and x.shape[2] == 16 and x.shape[3] == 64"
[tune]
BLOCK1 = [8192]
BLOCK2 = [8192]
BLOCK3 = [16384]
BLOCK4 = [16384]
[[scratch]]
name = "relu"
dtype = "f32"
shape = ["x.shape[0]", "x.shape[1]", "x.shape[2]", "x.shape[3]"]
[[scratch]]
name = "sigmoid"
dtype = "f32"
shape = ["relu.shape[0]", "relu.shape[1] + conv.shape[1]", "relu.shape[2]", "relu.shape[3]"]
[[scratch]]
name = "tanh"
dtype = "f32"
shape = ["relu.shape[0]", "relu.shape[1] + conv.shape[1] + conv_1.shape[1]", "relu.shape[2]", "relu.shape[3]"]
[[step]]
launch = "relu_kernel"
grid = ["cdiv(x.shape[0] * x.shape[1] * x.shape[2] * x.shape[3], BLOCK1)"]
args = ["x.shape[0] * x.shape[1] * x.shape[2] * x.shape[3]", "x", "relu"]
[[step]]
call = "aten.conv2d.default"
args = ["relu", "first", "none", [1, 1], [1, 1]]
out = "conv"
[[step]]
launch = "sigmoid_kernel"
grid = ["cdiv(relu.shape[2] * relu.shape[3], BLOCK2)", "cdiv(relu.shape[0] * (relu.shape[1] + conv.shape[1]), max(1, BLOCK2 // (relu.shape[2] * relu.shape[3])))"]
args = ["relu.shape[2] * relu.shape[3]", "max(1, BLOCK2 // (relu.shape[2] * relu.shape[3]))", "relu.shape[0]", "relu.shape[1] + conv.shape[1]", "f32(relu.shape[1])", "conv", "conv.shape[1] * relu.shape[3] * relu.shape[2]", "relu.shape[3] * relu.shape[2]", "0 - relu.shape[1]", "relu", "relu.shape[1] * relu.shape[3] * relu.shape[2]", "sigmoid", "relu.shape[1]"]
[[step]]
call = "aten.conv2d.default"
args = ["sigmoid", "second", "none", [1, 1], [1, 1]]
out = "conv_1"
[[step]]
launch = "tanh_kernel"
grid = ["cdiv(relu.shape[2] * relu.shape[3], BLOCK3)", "cdiv(relu.shape[0] * (relu.shape[1] + conv.shape[1] + conv_1.shape[1]), max(1, BLOCK3 // (relu.shape[2] * relu.shape[3])))"]
args = ["relu.shape[2] * relu.shape[3]", "max(1, BLOCK3 // (relu.shape[2] * relu.shape[3]))", "relu.shape[0]", "relu.shape[1] + conv.shape[1] + conv_1.shape[1]", "f32(relu.shape[1] + conv.shape[1])", "f32(relu.shape[1])", "conv_1", "conv_1.shape[1] * relu.shape[3] * relu.shape[2]", "relu.shape[3] * relu.shape[2]", "0 - relu.shape[1] - conv.shape[1]", "conv", "conv.shape[1] * relu.shape[3] * relu.shape[2]", "0 - relu.shape[1]", "relu", "relu.shape[1] * relu.shape[3] * relu.shape[2]", "tanh", "conv.shape[1]", "relu.shape[1]"]
[[step]]
call = "aten.conv2d.default"
args = ["tanh", "third", "none", [1, 1], [1, 1]]
out = "conv_2"
[[step]]
launch = "exp_kernel"
grid = ["cdiv(relu.shape[2] * relu.shape[3], BLOCK4)", "cdiv(relu.shape[0] * (relu.shape[1] + conv.shape[1] + conv_1.shape[1] + conv_2.shape[1]), max(1, BLOCK4 // (relu.shape[2] * relu.shape[3])))"]
args = ["relu.shape[2] * relu.shape[3]", "max(1, BLOCK4 // (relu.shape[2] * relu.shape[3]))", "relu.shape[0]", "relu.shape[1] + conv.shape[1] + conv_1.shape[1] + conv_2.shape[1]", "f32(relu.shape[1] + conv.shape[1] + conv_1.shape[1])", "f32(relu.shape[1] + conv.shape[1])", "f32(relu.shape[1])", "conv_2", "conv_2.shape[1] * relu.shape[3] * relu.shape[2]", "relu.shape[3] * relu.shape[2]", "0 - relu.shape[1] - conv.shape[1] - conv_1.shape[1]", "conv_1", "conv_1.shape[1] * relu.shape[3] * relu.shape[2]", "0 - relu.shape[1] - conv.shape[1]", "conv", "conv.shape[1] * relu.shape[3] * relu.shape[2]", "0 - relu.shape[1]", "relu", "relu.shape[1] * relu.shape[3] * relu.shape[2]", "out", "conv_1.shape[1]", "conv.shape[1]", "relu.shape[1]"]
/// */

static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
// The first w elements from p on (w is vlen but at the end of a loop); memory behind them is not touched.
static inline f32v at(const float* p, int64_t w) { return w >= vlen ? loadv(p) : loadv(p, w, 0.0f); }
static inline void put(float* p, f32v v, int64_t w) { if (w >= vlen) storev(p, v); else storev(p, v, w); }
// f(i, w) for a vector of elements at a time: i from begin to end, of which w count.
template <int unroll, class F> static inline void eachv(int64_t begin, int64_t end, F f) {
  int64_t i = begin;
  for (; i + vlen * unroll <= end; i += vlen * unroll)
#pragma GCC unroll 16
    for (int u = 0; u < unroll; ++u) f(i + vlen * u, vlen);
  for (; i + vlen <= end; i += vlen) f(i, vlen);
  if (i < end) f(i, end - i);
}

// i < x.shape[0] * x.shape[1] * x.shape[2] * x.shape[3]
extern "C" void relu_kernel(int64_t I, const float* __restrict__ x_from, float* __restrict__ out_to, int64_t block) {
  const int64_t begin = block * BLOCK1, end = least(begin + BLOCK1, I);
  eachv<4>(begin, end, [&](int64_t i, int64_t w) {
    const f32v x_ = at(x_from + i, w);
    const f32v relu = x_ < 0.0f ? splatv(0.0f) : x_;
    put(out_to + i, relu, w);
  });
}

// i < relu.shape[0], j < relu.shape[1] + conv.shape[1], k < relu.shape[2] * relu.shape[3]
extern "C" void sigmoid_kernel(int64_t K, int64_t rows, int64_t I, int64_t J, float cat_count_value, const float* __restrict__ conv_from, int64_t conv_stride_i, int64_t conv_stride_j, int64_t conv_shift, const float* __restrict__ relu_from, int64_t relu_stride_i, float* __restrict__ out_to, int64_t relu_limit, int64_t block, int64_t group) {
  const int64_t begin = block * BLOCK2, end = least(begin + BLOCK2, K);
  for (int64_t row = group * rows; row < least((group + 1) * rows, I * J); ++row) {
    const int64_t i = row / J;
    const int64_t j = row % J;
    const float o_index = (float)j;
    const bool cat = o_index < cat_count_value;
    const float* conv_at = conv_from + i * conv_stride_i + j * conv_stride_j + conv_shift * conv_stride_j;
    const float* relu_at = relu_from + i * relu_stride_i + j * conv_stride_j;
    float* out_at = out_to + i * J * K + j * K;
    eachv<1>(begin, end, [&](int64_t k, int64_t w) {
      const f32v conv = j + conv_shift >= 0 ? at(conv_at + k, w) : splatv(0.0f);
      const f32v relu = j < relu_limit ? at(relu_at + k, w) : splatv(0.0f);
      const f32v cat_1 = cat ? relu : conv;
      const f32v sigmoid = sigmoidv(cat_1);
      put(out_at + k, sigmoid, w);
    });
  }
}

// i < relu.shape[0], j < relu.shape[1] + conv.shape[1] + conv_1.shape[1], k < relu.shape[2] * relu.shape[3]
extern "C" void tanh_kernel(int64_t K, int64_t rows, int64_t I, int64_t J, float cat_1_count_value, float cat_1_count_1_value, const float* __restrict__ conv_1_from, int64_t conv_1_stride_i, int64_t conv_1_stride_j, int64_t conv_1_shift, const float* __restrict__ conv_from, int64_t conv_stride_i, int64_t conv_shift, const float* __restrict__ relu_from, int64_t relu_stride_i, float* __restrict__ out_to, int64_t conv_limit, int64_t relu_limit, int64_t block, int64_t group) {
  const int64_t begin = block * BLOCK3, end = least(begin + BLOCK3, K);
  for (int64_t row = group * rows; row < least((group + 1) * rows, I * J); ++row) {
    const int64_t i = row / J;
    const int64_t j = row % J;
    const float o_index = (float)j;
    const bool cat_1 = o_index < cat_1_count_value;
    const bool cat_1_2 = o_index < cat_1_count_1_value;
    const float* conv_1_at = conv_1_from + i * conv_1_stride_i + j * conv_1_stride_j + conv_1_shift * conv_1_stride_j;
    const float* conv_at = conv_from + i * conv_stride_i + j * conv_1_stride_j + conv_shift * conv_1_stride_j;
    const float* relu_at = relu_from + i * relu_stride_i + j * conv_1_stride_j;
    float* out_at = out_to + i * J * K + j * K;
    eachv<1>(begin, end, [&](int64_t k, int64_t w) {
      const f32v conv_1 = j + conv_1_shift >= 0 ? at(conv_1_at + k, w) : splatv(0.0f);
      const f32v conv = j + conv_shift >= 0 && j + conv_shift < conv_limit ? at(conv_at + k, w) : splatv(0.0f);
      const f32v cat_1_1 = cat_1 ? conv : conv_1;
      const f32v relu = j < relu_limit ? at(relu_at + k, w) : splatv(0.0f);
      const f32v cat_1_3 = cat_1_2 ? relu : cat_1_1;
      const f32v tanh = tanhv(cat_1_3);
      put(out_at + k, tanh, w);
    });
  }
}

// i < relu.shape[0], j < relu.shape[1] + conv.shape[1] + conv_1.shape[1] + conv_2.shape[1], k < relu.shape[2] * relu.shape[3]
extern "C" void exp_kernel(int64_t K, int64_t rows, int64_t I, int64_t J, float cat_2_count_value, float cat_2_count_1_value, float cat_2_count_2_value, const float* __restrict__ conv_2_from, int64_t conv_2_stride_i, int64_t conv_2_stride_j, int64_t conv_2_shift, const float* __restrict__ conv_1_from, int64_t conv_1_stride_i, int64_t conv_1_shift, const float* __restrict__ conv_from, int64_t conv_stride_i, int64_t conv_shift, const float* __restrict__ relu_from, int64_t relu_stride_i, float* __restrict__ out_to, int64_t conv_1_limit, int64_t conv_limit, int64_t relu_limit, int64_t block, int64_t group) {
  const int64_t begin = block * BLOCK4, end = least(begin + BLOCK4, K);
  for (int64_t row = group * rows; row < least((group + 1) * rows, I * J); ++row) {
    const int64_t i = row / J;
    const int64_t j = row % J;
    const float o_index = (float)j;
    const bool cat_2 = o_index < cat_2_count_value;
    const bool cat_2_2 = o_index < cat_2_count_1_value;
    const bool cat_2_4 = o_index < cat_2_count_2_value;
    const float* conv_2_at = conv_2_from + i * conv_2_stride_i + j * conv_2_stride_j + conv_2_shift * conv_2_stride_j;
    const float* conv_1_at = conv_1_from + i * conv_1_stride_i + j * conv_2_stride_j + conv_1_shift * conv_2_stride_j;
    const float* conv_at = conv_from + i * conv_stride_i + j * conv_2_stride_j + conv_shift * conv_2_stride_j;
    const float* relu_at = relu_from + i * relu_stride_i + j * conv_2_stride_j;
    float* out_at = out_to + i * J * K + j * K;
    eachv<1>(begin, end, [&](int64_t k, int64_t w) {
      const f32v conv_2 = j + conv_2_shift >= 0 ? at(conv_2_at + k, w) : splatv(0.0f);
      const f32v conv_1 = j + conv_1_shift >= 0 && j + conv_1_shift < conv_1_limit ? at(conv_1_at + k, w) : splatv(0.0f);
      const f32v cat_2_1 = cat_2 ? conv_1 : conv_2;
      const f32v conv = j + conv_shift >= 0 && j + conv_shift < conv_limit ? at(conv_at + k, w) : splatv(0.0f);
      const f32v cat_2_3 = cat_2_2 ? conv : cat_2_1;
      const f32v relu = j < relu_limit ? at(relu_at + k, w) : splatv(0.0f);
      const f32v cat_2_5 = cat_2_4 ? relu : cat_2_3;
      const f32v exp = expv(cat_2_5);
      put(out_at + k, exp, w);
    });
  }
}
