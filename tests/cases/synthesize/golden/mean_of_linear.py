# /// kerf
# version = 1
# supports = "x.ndim == 2 and x.shape[0] == 64 and x.shape[1] == 96 and fc.weight.shape[0] * fc.weight.shape[1] < 2147483648"
# [tune]
# THREADS1 = [256]
# THREADS2 = [128]
# THREADS3 = [128]
# [[scratch]]
# name = "mean_weight"
# dtype = "f32"
# shape = ["fc.weight.shape[1]"]
# [[scratch]]
# name = "mean_bias"
# dtype = "f32"
# shape = [1]
# [[step]]
# launch = "mean_weight_kernel"
# grid = ["cdiv(fc.weight.shape[1], THREADS1 // 16 * 4)"]
# args = ["fc.weight.shape[1]", "fc.weight.shape[0]", "fc.weight", "f32(fc.weight.shape[0])", "mean_weight"]
# constexpr = { LENGTH = "next_pow2(fc.weight.shape[0])", COLUMNS = "THREADS1 // 16 * 4" }
# num_warps = "THREADS1 // 32"
# [[step]]
# launch = "mean_bias_kernel"
# grid = [1]
# args = ["shift.shape[0]", "shift", "fc.bias", "f32(shift.shape[0])", "mean_bias"]
# constexpr = { LENGTH = "next_pow2(shift.shape[0])" }
# num_warps = "THREADS2 // 32"
# [[step]]
# launch = "add_kernel"
# grid = ["cdiv(x.shape[0], (THREADS3 // 16))"]
# args = ["x.shape[0]", "mean_weight.shape[0]", "mean_bias", "mean_weight", "x", "out"]
# constexpr = { LENGTH = "next_pow2(mean_weight.shape[0])", ROWS = "THREADS3 // 16" }
# num_warps = "THREADS3 // 32"
# ///

import triton
import triton.language as tl


# i < fc.weight.shape[0], j < fc.weight.shape[1]
@triton.jit
def mean_weight_kernel(J, I, fc_weight_from, mean_weight_count_value, out_to, LENGTH: tl.constexpr, COLUMNS: tl.constexpr):
    j = (tl.program_id(0).to(tl.int64) * COLUMNS + tl.arange(0, COLUMNS))[None, :]
    valid = j < J
    at = tl.arange(0, LENGTH)[:, None]
    inside = at < I
    fc_weight = tl.load(fc_weight_from + j + at * J, mask=inside & valid)
    mean_weight = tl.sum(tl.where(inside, fc_weight, 0.0).to(tl.float64), 0, keep_dims=True)
    mean_weight_1 = mean_weight / mean_weight_count_value
    tl.store(out_to + j, mean_weight_1, mask=valid)


# i < shift.shape[0]
@triton.jit
def mean_bias_kernel(I, shift_from, fc_bias_from, mean_bias_count_value, out_to, LENGTH: tl.constexpr):
    at = tl.arange(0, LENGTH)
    inside = at < I
    shift = tl.load(shift_from + at, mask=inside)
    fc_bias = tl.load(fc_bias_from + at, mask=inside)
    mean_bias1 = fc_bias - shift
    mean_bias = tl.sum(tl.where(inside, mean_bias1, 0.0).to(tl.float64), 0)
    mean_bias_1 = mean_bias / mean_bias_count_value
    tl.store(out_to, mean_bias_1)


# i < x.shape[0], j < mean_weight.shape[0]
@triton.jit
def add_kernel(I, J, mean_bias_from, mean_weight_from, x_from, out_to, LENGTH: tl.constexpr, ROWS: tl.constexpr):
    row = (tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS))[:, None]
    valid = row < I
    i = row
    at = tl.arange(0, LENGTH)[None, :]
    inside = at < J
    mean_bias = tl.load(mean_bias_from)
    mean_weight = tl.load(mean_weight_from + at, mask=inside)
    x_ = tl.load(x_from + i * J + at, mask=inside & valid)
    mean_product = x_ * mean_weight
    mean_dot = tl.sum(tl.where(inside, mean_product, 0.0).to(tl.float64), 1, keep_dims=True)
    mean = mean_dot + mean_bias
    add = mean.to(tl.float32) + x_
    tl.store(out_to + i * J + at, add, mask=inside & valid)
