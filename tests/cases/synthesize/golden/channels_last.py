# /// kerf
# version = 1
# supports = "x.ndim == 4 and x.shape[0] == 2 and x.shape[1] == 16 and x.shape[2] == 12 and x.shape[3] == 14 and x.shape[0] * x.shape[2] * x.shape[3] * x.shape[1] < 2147483648 and x.shape[1] * x.shape[3] * x.shape[2] < 2147483648 and x.shape[0] * x.shape[3] * x.shape[2] * x.shape[1] < 2147483648 and (x.shape[0] == 2 and x.shape[1] == 16 and x.shape[2] == 12 and x.shape[3] == 14)"
# [tune]
# THREADS1 = [128, 256]
# THREADS2 = [128, 256]
# [[scratch]]
# name = "conv_product_input"
# dtype = "f32"
# shape = ["x.shape[0]", "x.shape[2]", "x.shape[3]", "x.shape[1]"]
# [[scratch]]
# name = "conv_product_last"
# dtype = "f32"
# shape = ["x.shape[0]", "out.shape[1]", "out.shape[2]", "out.shape[3]"]
# [[step]]
# launch = "conv_product_input_kernel"
# grid = ["cdiv(x.shape[0] * x.shape[2] * x.shape[3] * x.shape[1], THREADS1 * 8)"]
# args = ["x.shape[0]", "x.shape[2] * x.shape[3]", "x.shape[1]", "x", "x.shape[3] * x.shape[2]", "conv_product_input"]
# constexpr = { BLOCK = "THREADS1 * 8" }
# num_warps = "THREADS1 // 32"
# [[step]]
# call = "aten.permute.default"
# args = ["conv_product_input", [0, 3, 1, 2]]
# out = "conv_product_image"
# [[step]]
# call = "aten.conv_transpose2d.input"
# args = ["conv_product_image", "conv.weight", "none", [2, 2]]
# out = "conv_product_last"
# [[step]]
# launch = "swish_kernel"
# grid = ["cdiv(conv_product_last.shape[0] * conv_product_last.shape[1] * conv_product_last.shape[2] * conv_product_last.shape[3], THREADS2 * 8)"]
# args = ["conv_product_last.shape[0]", "conv_product_last.shape[1]", "conv_product_last.shape[2] * conv_product_last.shape[3]", "conv_product_last", "conv_product_last.stride[3]", "conv_product_last.stride[1]", "conv_product_last.stride[0]", "conv.bias", "bias", "out"]
# constexpr = { BLOCK = "THREADS2 * 8" }
# num_warps = "THREADS2 // 32"
# ///

import triton
import triton.language as tl


# i < x.shape[0], j < x.shape[2] * x.shape[3], k < x.shape[1]
@triton.jit
def conv_product_input_kernel(I, J, K, x_from, x_stride_k, out_to, BLOCK: tl.constexpr):
    begin = (tl.program_id(0).to(tl.int64) * BLOCK).to(tl.int32)
    at = begin + tl.arange(0, BLOCK)
    inside = at < I * J * K
    i = at // (J * K)
    j = at // K % J
    k = at % K
    x_ = tl.load(x_from + j + k * x_stride_k + i * J * K, mask=inside)
    tl.store(out_to + at, x_, mask=inside)


# i < conv_product_last.shape[0], j < conv_product_last.shape[1], k < conv_product_last.shape[2] * conv_product_last.shape[3]
@triton.jit
def swish_kernel(I, J, K, conv_product_last_from, conv_product_last_stride_k, conv_product_last_stride_j, conv_product_last_stride_i, conv_bias_from, bias_from, out_to, BLOCK: tl.constexpr):
    begin = (tl.program_id(0).to(tl.int64) * BLOCK).to(tl.int32)
    at = begin + tl.arange(0, BLOCK)
    inside = at < I * J * K
    i = at // (J * K)
    j = at // K % J
    k = at % K
    conv_product_last = tl.load(conv_product_last_from + k * conv_product_last_stride_k + j * conv_product_last_stride_j + i * conv_product_last_stride_i, mask=inside)
    conv_bias = tl.load(conv_bias_from + j, mask=inside)
    conv = conv_product_last + conv_bias
    bias = tl.load(bias_from + j, mask=inside)
    add = conv + bias
    swish = 1.0 / (1.0 + tl.exp(-add))
    swish_1 = add * swish
    tl.store(out_to + at, swish_1, mask=inside)
