# /// kerf
# version = 1
# supports = "x.ndim == 4 and x.shape[0] == 4 and x.shape[1] == 16 and x.shape[2] == 16 and x.shape[3] == 64 and (x.shape[0] == 4 and x.shape[1] == 16 and x.shape[2] == 16 and x.shape[3] == 64)"
# [tune]
# THREADS1 = [128, 256]
# THREADS2 = [128, 256]
# THREADS3 = [128, 256]
# THREADS4 = [128, 256]
# THREADS5 = [128]
# THREADS6 = [128]
# [[scratch]]
# name = "relu"
# dtype = "f32"
# shape = ["x.shape[0]", "x.shape[1]", "x.shape[2]", "x.shape[3]"]
# [[scratch]]
# name = "cat_2_0"
# dtype = "f32"
# shape = ["x.shape[0]", 40, "x.shape[2]", "x.shape[3]"]
# [[scratch]]
# name = "conv"
# dtype = "f32"
# shape = ["x.ndim", "first.shape[0]", "x.shape[1]", "x.shape[3]"]
# [[scratch]]
# name = "sigmoid"
# dtype = "f32"
# shape = ["cat_2_0.shape[0]", "min(24, cat_2_0.shape[1])", "cat_2_0.shape[2]", "cat_2_0.shape[3]"]
# [[scratch]]
# name = "conv_1"
# dtype = "f32"
# shape = ["x.ndim", "first.shape[0]", "x.shape[1]", "x.shape[3]"]
# [[scratch]]
# name = "tanh"
# dtype = "f32"
# shape = ["cat_2_0.shape[0]", "min(32, cat_2_0.shape[1])", "cat_2_0.shape[2]", "cat_2_0.shape[3]"]
# [[scratch]]
# name = "conv_2"
# dtype = "f32"
# shape = ["x.ndim", "first.shape[0]", "x.shape[1]", "x.shape[3]"]
# [[step]]
# launch = "cat_2_0_kernel"
# grid = ["cdiv(x.shape[1] * x.shape[2] * x.shape[3], THREADS1 * 16) * x.shape[0]"]
# args = ["cdiv(x.shape[1] * x.shape[2] * x.shape[3], THREADS1 * 16)", "x.shape[1] * x.shape[2] * x.shape[3]", "x", "relu", "cat_2_0", "cat_2_0.shape[1] * x.shape[3] * x.shape[2]"]
# constexpr = { BLOCK = "THREADS1 * 16" }
# num_warps = "THREADS1 // 32"
# [[step]]
# call = "aten.conv2d.default"
# args = ["relu", "first", "none", [1, 1], [1, 1]]
# out = "conv"
# [[step]]
# launch = "cat_2_1_kernel"
# grid = ["cdiv(conv.shape[1] * conv.shape[2] * conv.shape[3], THREADS2 * 16) * conv.shape[0]"]
# args = ["cdiv(conv.shape[1] * conv.shape[2] * conv.shape[3], THREADS2 * 16)", "conv.shape[1] * conv.shape[2] * conv.shape[3]", "conv", "cat_2_0", "cat_2_0.shape[1] * conv.shape[3] * conv.shape[2]", "conv.shape[3] * conv.shape[2]"]
# constexpr = { BLOCK = "THREADS2 * 16", out_shift = "0 + 16" }
# num_warps = "THREADS2 // 32"
# [[step]]
# launch = "sigmoid_kernel"
# grid = ["cdiv(min(24, cat_2_0.shape[1]) * cat_2_0.shape[2] * cat_2_0.shape[3], THREADS3 * 16) * cat_2_0.shape[0]"]
# args = ["cdiv(min(24, cat_2_0.shape[1]) * cat_2_0.shape[2] * cat_2_0.shape[3], THREADS3 * 16)", "min(24, cat_2_0.shape[1]) * cat_2_0.shape[2] * cat_2_0.shape[3]", "cat_2_0", "cat_2_0.shape[1] * cat_2_0.shape[3] * cat_2_0.shape[2]", "sigmoid"]
# constexpr = { BLOCK = "THREADS3 * 16" }
# num_warps = "THREADS3 // 32"
# [[step]]
# call = "aten.conv2d.default"
# args = ["sigmoid", "second", "none", [1, 1], [1, 1]]
# out = "conv_1"
# [[step]]
# launch = "cat_2_1_kernel"
# grid = ["cdiv(conv_1.shape[1] * conv_1.shape[2] * conv_1.shape[3], THREADS2 * 16) * conv_1.shape[0]"]
# args = ["cdiv(conv_1.shape[1] * conv_1.shape[2] * conv_1.shape[3], THREADS2 * 16)", "conv_1.shape[1] * conv_1.shape[2] * conv_1.shape[3]", "conv_1", "cat_2_0", "cat_2_0.shape[1] * conv_1.shape[3] * conv_1.shape[2]", "conv_1.shape[3] * conv_1.shape[2]"]
# constexpr = { BLOCK = "THREADS2 * 16", out_shift = "16 + 8" }
# num_warps = "THREADS2 // 32"
# [[step]]
# launch = "tanh_kernel"
# grid = ["cdiv(min(32, cat_2_0.shape[1]) * cat_2_0.shape[2] * cat_2_0.shape[3], THREADS4 * 16) * cat_2_0.shape[0]"]
# args = ["cdiv(min(32, cat_2_0.shape[1]) * cat_2_0.shape[2] * cat_2_0.shape[3], THREADS4 * 16)", "min(32, cat_2_0.shape[1]) * cat_2_0.shape[2] * cat_2_0.shape[3]", "cat_2_0", "cat_2_0.shape[1] * cat_2_0.shape[3] * cat_2_0.shape[2]", "tanh"]
# constexpr = { BLOCK = "THREADS4 * 16" }
# num_warps = "THREADS4 // 32"
# [[step]]
# call = "aten.conv2d.default"
# args = ["tanh", "third", "none", [1, 1], [1, 1]]
# out = "conv_2"
# [[step]]
# launch = "cat_2_3_kernel"
# grid = ["cdiv(conv_2.shape[1] * conv_2.shape[2] * conv_2.shape[3], THREADS5 * 16) * conv_2.shape[0]"]
# args = ["cdiv(conv_2.shape[1] * conv_2.shape[2] * conv_2.shape[3], THREADS5 * 16)", "conv_2.shape[1] * conv_2.shape[2] * conv_2.shape[3]", "conv_2", "cat_2_0", "cat_2_0.shape[1] * conv_2.shape[3] * conv_2.shape[2]", "conv_2.shape[3] * conv_2.shape[2]"]
# constexpr = { BLOCK = "THREADS5 * 16", out_shift = "24 + 8" }
# num_warps = "THREADS5 // 32"
# [[step]]
# launch = "exp_kernel"
# grid = ["cdiv(cat_2_0.shape[0] * cat_2_0.shape[1] * cat_2_0.shape[2] * cat_2_0.shape[3], THREADS6 * 16)"]
# args = ["cat_2_0.shape[0] * cat_2_0.shape[1] * cat_2_0.shape[2] * cat_2_0.shape[3]", "cat_2_0", "out"]
# constexpr = { BLOCK = "THREADS6 * 16" }
# num_warps = "THREADS6 // 32"
# ///

import triton
import triton.language as tl


@triton.jit
def tanh(x):
    s = x * x
    near = ((((-5.70498872745e-3 * s + 2.06390887954e-2) * s - 5.37397155531e-2) * s + 1.33314422036e-1) * s
            - 3.33332819422e-1) * s * x + x
    far = 1.0 - 2.0 / (tl.exp(2.0 * tl.abs(x)) + 1.0)
    return tl.where(tl.abs(x) < 0.625, near, tl.where(x < 0.0, -far, far))


# i < x.shape[0], j < x.shape[1] * x.shape[2] * x.shape[3]
@triton.jit
def cat_2_0_kernel(pieces, J, x_from, out0_to, out1_to, out1_stride_i, BLOCK: tl.constexpr):
    program = tl.program_id(0)
    row = program // pieces
    i = (row).to(tl.int64)
    begin = (program % pieces).to(tl.int64) * BLOCK
    at = begin + tl.arange(0, BLOCK)
    inside = at < J
    x_ = tl.load(x_from + i * J + at, mask=inside)
    relu = tl.where(x_ < 0.0, 0.0, x_)
    tl.store(out0_to + i * J + at, relu, mask=inside)
    tl.store(out1_to + i * out1_stride_i + at, relu, mask=inside)


# i < conv.shape[0], j < conv.shape[1] * conv.shape[2] * conv.shape[3]
@triton.jit
def cat_2_1_kernel(pieces, J, conv_from, out_to, out_stride_i, out_step, BLOCK: tl.constexpr, out_shift: tl.constexpr):
    program = tl.program_id(0)
    row = program // pieces
    i = (row).to(tl.int64)
    begin = (program % pieces).to(tl.int64) * BLOCK
    at = begin + tl.arange(0, BLOCK)
    inside = at < J
    conv = tl.load(conv_from + i * J + at, mask=inside)
    tl.store(out_to + i * out_stride_i + out_shift * out_step + at, conv, mask=inside)


# i < cat_2_1.shape[0], j < min(24, cat_2_1.shape[1]) * cat_2_1.shape[2] * cat_2_1.shape[3]
@triton.jit
def sigmoid_kernel(pieces, J, cat_2_1_from, cat_2_1_stride_i, out_to, BLOCK: tl.constexpr):
    program = tl.program_id(0)
    row = program // pieces
    i = (row).to(tl.int64)
    begin = ((program % pieces).to(tl.int64) * BLOCK).to(tl.int32)
    at = begin + tl.arange(0, BLOCK)
    inside = at < J
    cat_2_1 = tl.load(cat_2_1_from + i * cat_2_1_stride_i + at, mask=inside)
    sigmoid = 1.0 / (1.0 + tl.exp(-cat_2_1))
    tl.store(out_to + i * J + at, sigmoid, mask=inside)


# i < cat_2_2.shape[0], j < min(32, cat_2_2.shape[1]) * cat_2_2.shape[2] * cat_2_2.shape[3]
@triton.jit
def tanh_kernel(pieces, J, cat_2_2_from, cat_2_2_stride_i, out_to, BLOCK: tl.constexpr):
    program = tl.program_id(0)
    row = program // pieces
    i = (row).to(tl.int64)
    begin = ((program % pieces).to(tl.int64) * BLOCK).to(tl.int32)
    at = begin + tl.arange(0, BLOCK)
    inside = at < J
    cat_2_2 = tl.load(cat_2_2_from + i * cat_2_2_stride_i + at, mask=inside)
    tanh_ = tanh(cat_2_2)
    tl.store(out_to + i * J + at, tanh_, mask=inside, eviction_policy="evict_first")


# i < conv_2.shape[0], j < conv_2.shape[1] * conv_2.shape[2] * conv_2.shape[3]
@triton.jit
def cat_2_3_kernel(pieces, J, conv_2_from, out_to, out_stride_i, out_step, BLOCK: tl.constexpr, out_shift: tl.constexpr):
    program = tl.program_id(0)
    row = program // pieces
    i = (row).to(tl.int64)
    begin = (program % pieces).to(tl.int64) * BLOCK
    at = begin + tl.arange(0, BLOCK)
    inside = at < J
    conv_2 = tl.load(conv_2_from + i * J + at, mask=inside)
    tl.store(out_to + i * out_stride_i + out_shift * out_step + at, conv_2, mask=inside)


# i < cat_2_3.shape[0] * cat_2_3.shape[1] * cat_2_3.shape[2] * cat_2_3.shape[3]
@triton.jit
def exp_kernel(I, cat_2_3_from, out_to, BLOCK: tl.constexpr):
    begin = tl.program_id(0).to(tl.int64) * BLOCK
    at = begin + tl.arange(0, BLOCK)
    inside = at < I
    cat_2_3 = tl.load(cat_2_3_from + at, mask=inside)
    exp = tl.exp(cat_2_3)
    tl.store(out_to + at, exp, mask=inside)
