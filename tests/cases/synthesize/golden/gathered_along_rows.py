# /// kerf
# version = 1
# supports = "x.ndim == 2 and x.shape[0] == 64 and x.shape[1] == 300 and i.ndim == 2 and i.shape[0] == 64 and i.shape[1] == 300 and rows.ndim == 1 and rows.shape[0] == 40 and columns.ndim == 1 and columns.shape[0] == 40 and x.shape[0] * x.shape[1] < 2147483648"
# [tune]
# THREADS1 = [128, 256]
# THREADS2 = [128, 256]
# [[step]]
# launch = "add_kernel"
# grid = ["cdiv(x.shape[0] * x.shape[1], THREADS1 * 8)"]
# args = ["x.shape[0]", "x.shape[1]", "x", "i", "x", "x.shape[1]", "out0"]
# constexpr = { BLOCK = "THREADS1 * 8" }
# num_warps = "THREADS1 // 32"
# [[step]]
# launch = "exp_kernel"
# grid = ["cdiv(rows.shape[0], THREADS2 * 8)"]
# args = ["rows.shape[0]", "f32(x.shape[0])", "f32(x.shape[1])", "rows", "columns", "x", "x.shape[1]", "out1"]
# constexpr = { BLOCK = "THREADS2 * 8" }
# num_warps = "THREADS2 // 32"
# ///

import triton
import triton.language as tl


# i < x.shape[0], j < x.shape[1]
@triton.jit
def add_kernel(I, J, x_from, i_from, x_picked_from, x_picked_stride_i, out_to, BLOCK: tl.constexpr):
    begin = (tl.program_id(0).to(tl.int64) * BLOCK).to(tl.int32)
    at = begin + tl.arange(0, BLOCK)
    inside = at < I * J
    i = at // J
    j = at % J
    x_ = tl.load(x_from + at, mask=inside)
    i_ = tl.load(i_from + at, mask=inside)
    x_picked = tl.load(x_picked_from + i_ + i * x_picked_stride_i, mask=inside)
    add = x_picked + x_
    tl.store(out_to + at, add, mask=inside)


# i < rows.shape[0]
@triton.jit
def exp_kernel(I, index_count_value, index_count_1_value, rows_from, columns_from, x_picked_from, x_picked_stride_pick1, out_to, BLOCK: tl.constexpr):
    begin = tl.program_id(0).to(tl.int64) * BLOCK
    at = begin + tl.arange(0, BLOCK)
    inside = at < I
    rows_ = tl.load(rows_from + at, mask=inside)
    index = rows_.to(tl.float32)
    index_1 = index + index_count_value
    index_3 = index < 0.0
    index_4 = tl.where(index_3, index_1, index)
    columns = tl.load(columns_from + at, mask=inside)
    index_5 = columns.to(tl.float32)
    index_6 = index_5 + index_count_1_value
    index_7 = index_5 < 0.0
    index_8 = tl.where(index_7, index_6, index_5)
    x_picked = tl.load(x_picked_from + index_8.to(tl.int64) + index_4.to(tl.int64) * x_picked_stride_pick1, mask=inside)
    exp = tl.exp(x_picked)
    tl.store(out_to + at, exp, mask=inside)
