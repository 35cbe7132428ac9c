# /// kerf
# version = 1
# supports = "x.ndim == 2 and x.shape[0] == 300 and x.shape[1] == 64"
# [tune]
# THREADS1 = [128]
# THREADS2 = [128]
# THREADS3 = [128]
# [[scratch]]
# name = "softmax"
# dtype = "f32"
# shape = ["x.shape[0]", "x.shape[1]"]
# [[scratch]]
# name = "topk"
# dtype = "f32"
# shape = ["softmax.shape[0]", 3]
# [[step]]
# launch = "softmax_kernel"
# grid = ["cdiv(x.shape[0], (THREADS1 // 8))"]
# args = ["x.shape[0]", "x.shape[1]", "x", "softmax"]
# constexpr = { LENGTH = "next_pow2(x.shape[1])", ROWS = "THREADS1 // 8" }
# num_warps = "THREADS1 // 32"
# [[step]]
# launch = "topk_kernel"
# grid = ["cdiv(softmax.shape[0], (THREADS2 // 8))"]
# args = ["softmax.shape[0]", "softmax.shape[1]", "softmax", "topk", "topk.shape[1]"]
# constexpr = { LENGTH = "next_pow2(softmax.shape[1])", ROWS = "THREADS2 // 8" }
# num_warps = "THREADS2 // 32"
# [[step]]
# launch = "div_kernel"
# grid = ["cdiv(topk.shape[0], (THREADS3 // 1))"]
# args = ["topk.shape[0]", "topk.shape[1]", "topk", "out"]
# constexpr = { LENGTH = "next_pow2(topk.shape[1])", ROWS = "THREADS3 // 1" }
# num_warps = "THREADS3 // 32"
# ///

import triton
import triton.language as tl


@triton.jit
def greater(a, b):  # NaN if either is
    return tl.maximum(a, b, propagate_nan=tl.PropagateNan.ALL)


@triton.jit
def smaller(a, b):  # NaN if either is
    return tl.minimum(a, b, propagate_nan=tl.PropagateNan.ALL)


# i < x.shape[0], j < x.shape[1]
@triton.jit
def softmax_kernel(I, J, x_from, out_to, LENGTH: tl.constexpr, ROWS: tl.constexpr):
    row = (tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS))[:, None]
    valid = row < I
    i = row
    at = tl.arange(0, LENGTH)[None, :]
    inside = at < J
    x_ = tl.load(x_from + i * J + at, mask=inside & valid)
    softmax = tl.reduce(tl.where(inside, x_, -float("inf")), 1, greater, keep_dims=True)
    softmax_1 = x_ - softmax
    softmax_2 = tl.exp(softmax_1)
    softmax_3 = tl.sum(tl.where(inside, softmax_2, 0.0).to(tl.float64), 1, keep_dims=True)
    softmax_4 = 1.0 / softmax_3
    softmax_5 = softmax_2 * softmax_4.to(tl.float32)
    tl.store(out_to + i * J + at, softmax_5, mask=inside & valid)


# i < softmax.shape[0], j < softmax.shape[1]
@triton.jit
def topk_kernel(I, J, softmax_from, out0_to, out0_stride_i, LENGTH: tl.constexpr, ROWS: tl.constexpr):
    row = (tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS))[:, None]
    valid = row < I
    i = row
    at = tl.arange(0, LENGTH)[None, :]
    inside = at < J
    softmax = tl.load(softmax_from + i * J + at, mask=inside & valid)
    topk = tl.reduce(tl.where(inside, softmax, -float("inf")), 1, greater, keep_dims=True)
    j = at
    j_index = j.to(tl.float32)
    topk_2 = softmax != softmax
    topk_3 = softmax == topk
    topk_4 = topk_3 | topk_2
    topk_5 = tl.where(topk_4, j_index, float("inf"))
    topk_6 = tl.reduce(tl.where(inside, topk_5, float("inf")), 1, smaller, keep_dims=True)
    topk_7 = j_index == topk_6
    topk_8 = tl.where(topk_7, float("inf"), j_index)
    topk_9 = topk_8 < float("inf")
    topk_11 = tl.where(topk_9, softmax, -float("inf"))
    topk_12 = tl.reduce(tl.where(inside, topk_11, -float("inf")), 1, greater, keep_dims=True)
    topk_13 = softmax == topk_12
    topk_14 = topk_13 | topk_2
    topk_15 = tl.where(topk_14, topk_8, float("inf"))
    topk_16 = tl.reduce(tl.where(inside, topk_15, float("inf")), 1, smaller, keep_dims=True)
    topk_17 = j_index == topk_16
    topk_18 = tl.where(topk_17, float("inf"), topk_8)
    topk_19 = topk_18 < float("inf")
    topk_20 = tl.where(topk_19, softmax, -float("inf"))
    topk_21 = tl.reduce(tl.where(inside, topk_20, -float("inf")), 1, greater, keep_dims=True)
    tl.store(out0_to + i * out0_stride_i, topk, mask=valid)
    tl.store(out0_to + i * out0_stride_i + 1, topk_12, mask=valid)
    tl.store(out0_to + i * out0_stride_i + 2, topk_21, mask=valid)


# i < topk.shape[0], j < topk.shape[1]
@triton.jit
def div_kernel(I, J, topk_from, out_to, LENGTH: tl.constexpr, ROWS: tl.constexpr):
    row = (tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS))[:, None]
    valid = row < I
    i = row
    at = tl.arange(0, LENGTH)[None, :]
    inside = at < J
    topk = tl.load(topk_from + i * J + at, mask=inside & valid)
    sum = tl.sum(tl.where(inside, topk, 0.0).to(tl.float64), 1, keep_dims=True)
    div = topk / sum.to(tl.float32)
    tl.store(out_to + i * J + at, div, mask=inside & valid)
