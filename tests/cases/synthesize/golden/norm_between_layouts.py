# /// kerf
# version = 1
# supports = "x.ndim == 4 and x.shape[0] == 2 and x.shape[1] == 32 and x.shape[2] == 12 and x.shape[3] == 14 and x.shape[1] * x.shape[3] * x.shape[2] < 2147483648 and (x.shape[0] == 2 and x.shape[1] == 32 and x.shape[2] == 12 and x.shape[3] == 14)"
# [tune]
# THREADS1 = [256]
# THREADS2 = [512]
# [[scratch]]
# name = "conv_input"
# dtype = "f32"
# shape = ["x.shape[0]", "x.shape[2]", "x.shape[3]", "x.shape[1]"]
# [[scratch]]
# name = "conv_places"
# dtype = "f32"
# shape = ["x.shape[0]", "out.shape[3]", "x.shape[2]", "x.shape[1]"]
# [[scratch]]
# name = "conv_1_input"
# dtype = "f32"
# shape = ["conv_places.shape[0]", "conv_places.shape[1]", "conv_places.shape[2]", "conv_places.shape[3]"]
# [[scratch]]
# name = "conv_1_places"
# dtype = "f32"
# shape = ["x.shape[0]", "out.shape[2]", "out.shape[3]", "x.shape[1]"]
# [[step]]
# launch = "conv_input_kernel"
# grid = ["cdiv(x.shape[2] * x.shape[3], 64) * cdiv(x.shape[1], 32) * x.shape[0]"]
# args = ["cdiv(x.shape[2] * x.shape[3], 64)", "cdiv(x.shape[1], 32)", "x.shape[2] * x.shape[3]", "x.shape[1]", "x", "x.shape[3] * x.shape[2]", "conv_input"]
# constexpr = { ROWS = 64, BLOCK = 32 }
# num_warps = "THREADS1 // 32"
# [[step]]
# call = "aten.permute.default"
# args = ["conv_input", [0, 3, 1, 2]]
# out = "conv_image"
# [[step]]
# call = "aten.conv2d.default"
# args = ["conv_image", "first.weight"]
# out = "conv_last"
# [[step]]
# call = "aten.movedim.int"
# args = ["conv_last", 1, -1]
# out = "conv_places"
# [[step]]
# launch = "conv_1_input_kernel"
# grid = ["cdiv(conv_places.shape[3], THREADS2 // 16 * 1)"]
# args = ["conv_places.shape[3]", "conv_places.shape[0] * conv_places.shape[1] * conv_places.shape[2]", "weight", "bias", "conv_places", "f32(conv_places.shape[0] * conv_places.shape[1] * conv_places.shape[2])", "conv_1_input"]
# constexpr = { LENGTH = "next_pow2(conv_places.shape[0] * conv_places.shape[1] * conv_places.shape[2])", COLUMNS = "THREADS2 // 16 * 1" }
# num_warps = "THREADS2 // 32"
# [[step]]
# call = "aten.permute.default"
# args = ["conv_1_input", [0, 3, 1, 2]]
# out = "conv_1_image"
# [[step]]
# call = "aten.conv2d.default"
# args = ["conv_1_image", "second.weight"]
# out = "conv_1_last"
# [[step]]
# call = "aten.movedim.int"
# args = ["conv_1_last", 1, -1]
# out = "conv_1_places"
# [[step]]
# launch = "conv_input_kernel"
# grid = ["cdiv(conv_1_places.shape[3], 32) * cdiv(conv_1_places.shape[1] * conv_1_places.shape[2], 128) * conv_1_places.shape[0]"]
# args = ["cdiv(conv_1_places.shape[3], 32)", "cdiv(conv_1_places.shape[1] * conv_1_places.shape[2], 128)", "conv_1_places.shape[3]", "conv_1_places.shape[1] * conv_1_places.shape[2]", "conv_1_places", "conv_1_places.shape[3]", "out"]
# constexpr = { ROWS = 32, BLOCK = 128 }
# num_warps = "THREADS1 // 32"
# ///

import triton
import triton.language as tl


# i < x.shape[0], j < x.shape[2] * x.shape[3], k < x.shape[1]
@triton.jit
def conv_input_kernel(strips, pieces, J, K, x_from, x_stride_k, out_to, ROWS: tl.constexpr, BLOCK: tl.constexpr):
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


# i < conv_places.shape[0] * conv_places.shape[1] * conv_places.shape[2], j < conv_places.shape[3]
@triton.jit
def conv_1_input_kernel(J, I, weight_from, bias_from, conv_places_from, norm_count_value, out_to, LENGTH: tl.constexpr, COLUMNS: tl.constexpr):
    j = (tl.program_id(0).to(tl.int64) * COLUMNS + tl.arange(0, COLUMNS))[None, :]
    valid = j < J
    at = tl.arange(0, LENGTH)[:, None]
    inside = at < I
    weight = tl.load(weight_from + j, mask=valid)
    bias = tl.load(bias_from + j, mask=valid)
    conv_places = tl.load(conv_places_from + j + at * J, mask=inside & valid)
    norm_1 = tl.sum(tl.where(inside, conv_places, 0.0).to(tl.float64), 0, keep_dims=True)
    norm_2 = norm_1 / norm_count_value
    norm_3 = conv_places - norm_2.to(tl.float32)
    norm_4 = norm_3 * norm_3
    norm_5 = tl.sum(tl.where(inside, norm_4, 0.0).to(tl.float64), 0, keep_dims=True)
    norm_6 = norm_5 / norm_count_value
    norm_7 = norm_6 + 1e-05
    norm_8 = 1.0 / tl.sqrt_rn(norm_7.to(tl.float32))
    norm_9 = norm_3 * norm_8
    norm_10 = norm_9 * weight
    norm_11 = norm_10 + bias
    relu = tl.where(norm_11 < 0.0, 0.0, norm_11)
    tl.store(out_to + j + at * J, relu, mask=inside & valid)
