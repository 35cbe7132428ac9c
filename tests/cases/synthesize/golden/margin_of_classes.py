# /// kerf
# version = 1
# supports = "x.ndim == 2 and x.shape[0] == 64 and x.shape[1] == 1000 and t.ndim == 1 and t.shape[0] == 64"
# [tune]
# THREADS1 = [64, 128]
# THREADS2 = [128]
# [[scratch]]
# name = "loss_rows"
# dtype = "f32"
# shape = ["x.shape[0]"]
# [[step]]
# launch = "loss_rows_kernel"
# grid = ["x.shape[0]"]
# args = ["x.shape[1]", "t", "x", "f32(x.shape[1])", "loss_rows"]
# constexpr = { LENGTH = "next_pow2(x.shape[1])" }
# num_warps = "THREADS1 // 32"
# [[step]]
# launch = "loss_kernel"
# grid = [1]
# args = ["loss_rows.shape[0]", "loss_rows", "f32(loss_rows.shape[0])", "out"]
# constexpr = { LENGTH = "next_pow2(loss_rows.shape[0])" }
# num_warps = "THREADS2 // 32"
# ///

import triton
import triton.language as tl


# i < x.shape[0], j < x.shape[1]
@triton.jit
def loss_rows_kernel(J, t_from, x_from, loss_rows_count_value, out_to, LENGTH: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    i = row
    at = tl.arange(0, LENGTH)
    inside = at < J
    t_ = tl.load(t_from + i)
    j = at
    x_ = tl.load(x_from + i * J + at, mask=inside)
    j_index = j.to(tl.float32)
    loss_rows_1 = j_index == t_
    loss_rows_2 = tl.where(loss_rows_1, x_, 0.0)
    loss_rows_3 = tl.sum(tl.where(inside, loss_rows_2, 0.0).to(tl.float64), 0)
    loss_rows_5 = 1.0 - loss_rows_3
    loss_rows_6 = loss_rows_5.to(tl.float32) + x_
    loss_rows_7 = loss_rows_6 * loss_rows_6
    loss_rows_8 = loss_rows_6 > 0.0
    loss_rows_9 = tl.where(loss_rows_8, loss_rows_7, 0.0)
    loss_rows_10 = tl.where(loss_rows_1, 0.0, loss_rows_9)
    loss_rows_11 = tl.sum(tl.where(inside, loss_rows_10, 0.0).to(tl.float64), 0)
    loss_rows_12 = loss_rows_11 / loss_rows_count_value
    tl.store(out_to + i, loss_rows_12)


# i < loss_rows.shape[0]
@triton.jit
def loss_kernel(I, loss_rows_from, loss_count_value, out_to, LENGTH: tl.constexpr):
    at = tl.arange(0, LENGTH)
    inside = at < I
    loss_rows = tl.load(loss_rows_from + at, mask=inside)
    loss = tl.sum(tl.where(inside, loss_rows, 0.0).to(tl.float64), 0)
    loss_1 = loss / loss_count_value
    tl.store(out_to, loss_1)
