# /// kerf
# version = 1
# supports = "x.ndim == 4 and x.shape[0] == 2 and x.shape[1] == 16 and x.shape[2] == 12 and x.shape[3] == 14 and x.shape[1] * x.shape[3] * x.shape[2] < 2147483648 and (x.shape[0] == 2 and x.shape[1] == 16 and x.shape[2] == 12 and x.shape[3] == 14)"
# [tune]
# THREADS1 = [256]
# THREADS2 = [256]
# [[scratch]]
# name = "conv_product_input"
# dtype = "f32"
# shape = ["x.shape[0]", "x.shape[2]", "x.shape[3]", "x.shape[1]"]
# [[scratch]]
# name = "conv_product_places"
# dtype = "f32"
# shape = ["x.shape[0]", "out.shape[2]", "out.shape[3]", "out.shape[1]"]
# [[step]]
# launch = "conv_product_input_kernel"
# grid = ["cdiv(x.shape[2] * x.shape[3], 128) * cdiv(x.shape[1], 16) * x.shape[0]"]
# args = ["cdiv(x.shape[2] * x.shape[3], 128)", "cdiv(x.shape[1], 16)", "x.shape[2] * x.shape[3]", "x.shape[1]", "x", "x.shape[3] * x.shape[2]", "conv_product_input"]
# constexpr = { ROWS = 128, BLOCK = 16 }
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
# call = "aten.movedim.int"
# args = ["conv_product_last", 1, -1]
# out = "conv_product_places"
# [[step]]
# launch = "swish_kernel"
# grid = ["cdiv(conv_product_places.shape[3], 32) * cdiv(conv_product_places.shape[1] * conv_product_places.shape[2], 128) * conv_product_places.shape[0]"]
# args = ["cdiv(conv_product_places.shape[3], 32)", "cdiv(conv_product_places.shape[1] * conv_product_places.shape[2], 128)", "conv_product_places.shape[3]", "conv_product_places.shape[1] * conv_product_places.shape[2]", "conv.bias", "bias", "conv_product_places", "conv_product_places.shape[3]", "out"]
# constexpr = { ROWS = 32, BLOCK = 128 }
# num_warps = "THREADS2 // 32"
# ///

import triton
import triton.language as tl


# i < x.shape[0], j < x.shape[2] * x.shape[3], k < x.shape[1]
@triton.jit
def conv_product_input_kernel(strips, pieces, J, K, x_from, x_stride_k, out_to, ROWS: tl.constexpr, BLOCK: tl.constexpr):
    program = tl.program_id(0)
    strip = (program % strips).to(tl.int64)
    piece = (program // strips % pieces).to(tl.int64)
    row = (program // strips // pieces).to(tl.int64)
    i = row
    j = (strip * ROWS + tl.arange(0, ROWS))[:, None]
    valid = j < J
    begin = piece * BLOCK
    at = (begin + tl.arange(0, BLOCK))[None, :]
    inside = at < K
    x_ = tl.load(x_from + i * J * K + j + at * x_stride_k, mask=inside & valid)
    tl.store(out_to + i * J * K + j * K + at, x_, mask=inside & valid)


# i < conv_product_places.shape[0], j < conv_product_places.shape[3], k < conv_product_places.shape[1] * conv_product_places.shape[2]
@triton.jit
def swish_kernel(strips, pieces, J, K, conv_bias_from, bias_from, conv_product_places_from, conv_product_places_stride_k, out_to, ROWS: tl.constexpr, BLOCK: tl.constexpr):
    program = tl.program_id(0)
    strip = (program % strips).to(tl.int64)
    piece = (program // strips % pieces).to(tl.int64)
    row = (program // strips // pieces).to(tl.int64)
    i = row
    j = (strip * ROWS + tl.arange(0, ROWS))[:, None]
    valid = j < J
    begin = piece * BLOCK
    at = (begin + tl.arange(0, BLOCK))[None, :]
    inside = at < K
    conv_bias = tl.load(conv_bias_from + j, mask=valid)
    bias = tl.load(bias_from + j, mask=valid)
    conv_product_places = tl.load(conv_product_places_from + i * J * K + j + at * conv_product_places_stride_k, mask=inside & valid)
    conv = conv_product_places + conv_bias
    add = conv + bias
    swish = 1.0 / (1.0 + tl.exp(-add))
    swish_1 = add * swish
    tl.store(out_to + i * J * K + j * K + at, swish_1, mask=inside & valid)
