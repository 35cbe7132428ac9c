# /// kerf
# version = 1
# supports = "x.ndim == 4 and x.shape[0] == 2 and x.shape[1] == 3 and x.shape[2] == 40 and x.shape[3] == 44 and conv.weight.shape[1] * conv.weight.shape[3] * conv.weight.shape[2] < 2147483648 and (x.shape[0] == 2 and x.shape[1] == 3 and x.shape[2] == 40 and x.shape[3] == 44)"
# [tune]
# THREADS1 = [256]
# THREADS2 = [256]
# [[scratch]]
# name = "conv_weight_input"
# dtype = "f32"
# shape = ["conv.weight.shape[0]", "conv.weight.shape[2]", "conv.weight.shape[3]", "conv.weight.shape[1]"]
# [[scratch]]
# name = "conv_places"
# dtype = "f32"
# shape = ["x.shape[0]", "out.shape[2]", "out.shape[3]", "x.shape[2]"]
# [[step]]
# launch = "conv_weight_input_kernel"
# grid = ["cdiv(conv.weight.shape[2] * conv.weight.shape[3], 16) * cdiv(conv.weight.shape[1], 4) * conv.weight.shape[0]"]
# args = ["cdiv(conv.weight.shape[2] * conv.weight.shape[3], 16)", "cdiv(conv.weight.shape[1], 4)", "conv.weight.shape[2] * conv.weight.shape[3]", "conv.weight.shape[1]", "conv.weight", "conv.weight.shape[3] * conv.weight.shape[2]", "conv_weight_input"]
# constexpr = { ROWS = 16, BLOCK = 4 }
# num_warps = "THREADS1 // 32"
# [[step]]
# call = "aten.permute.default"
# args = ["conv_weight_input", [0, 3, 1, 2]]
# out = "conv_weight_image"
# [[step]]
# call = "aten.conv2d.default"
# args = ["x", "conv_weight_image"]
# out = "conv_last"
# [[step]]
# call = "aten.movedim.int"
# args = ["conv_last", 1, -1]
# out = "conv_places"
# [[step]]
# launch = "relu_kernel"
# grid = ["cdiv(conv_places.shape[3], 32) * cdiv(conv_places.shape[1] * conv_places.shape[2], 128) * conv_places.shape[0]"]
# args = ["cdiv(conv_places.shape[3], 32)", "cdiv(conv_places.shape[1] * conv_places.shape[2], 128)", "conv_places.shape[3]", "conv_places.shape[1] * conv_places.shape[2]", "conv_places", "conv_places.shape[3]", "out"]
# constexpr = { ROWS = 32, BLOCK = 128 }
# num_warps = "THREADS2 // 32"
# ///

import triton
import triton.language as tl


# i < conv.weight.shape[0], j < conv.weight.shape[2] * conv.weight.shape[3], k < conv.weight.shape[1]
@triton.jit
def conv_weight_input_kernel(strips, pieces, J, K, conv_weight_from, conv_weight_stride_k, out_to, ROWS: tl.constexpr, BLOCK: tl.constexpr):
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
    conv_weight = tl.load(conv_weight_from + i * J * K + j + at * conv_weight_stride_k, mask=inside & valid)
    tl.store(out_to + i * J * K + j * K + at, conv_weight, mask=inside & valid)


# i < conv_places.shape[0], j < conv_places.shape[3], k < conv_places.shape[1] * conv_places.shape[2]
@triton.jit
def relu_kernel(strips, pieces, J, K, conv_places_from, conv_places_stride_k, out_to, ROWS: tl.constexpr, BLOCK: tl.constexpr):
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
    conv_places = tl.load(conv_places_from + i * J * K + j + at * conv_places_stride_k, mask=inside & valid)
    relu = tl.where(conv_places < 0.0, 0.0, conv_places)
    tl.store(out_to + i * J * K + j * K + at, relu, mask=inside & valid)
