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
# args = ["x.shape[1]", "t", "x", "loss_rows"]
# constexpr = { LENGTH = "next_pow2(x.shape[1])" }
# num_warps = "THREADS1 // 32"
# [[step]]
# launch = "loss_kernel"
# grid = [1]
# args = ["loss_rows.shape[0]", "loss_rows", "t", "out"]
# constexpr = { LENGTH = "next_pow2(loss_rows.shape[0])" }
# num_warps = "THREADS2 // 32"
# ///

import triton
import triton.language as tl


@triton.jit
def greater(a, b):  # NaN if either is
    return tl.maximum(a, b, propagate_nan=tl.PropagateNan.ALL)


# i < x.shape[0], j < x.shape[1]
@triton.jit
def loss_rows_kernel(J, t_from, x_from, out_to, LENGTH: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    i = row
    at = tl.arange(0, LENGTH)
    inside = at < J
    t_ = tl.load(t_from + i)
    loss_rows_11 = t_ == -100.0
    x_ = tl.load(x_from + i * J + at, mask=inside)
    loss_rows = tl.reduce(tl.where(inside, x_, -float("inf")), 0, greater)
    j = at
    loss_rows_1 = x_ - loss_rows
    loss_rows_2 = tl.exp(loss_rows_1)
    j_index = j.to(tl.float32)
    loss_rows_5 = j_index == t_
    loss_rows_6 = tl.where(loss_rows_5, loss_rows_1, 0.0)
    loss_rows_3 = tl.sum(tl.where(inside, loss_rows_2, 0.0).to(tl.float64), 0)
    loss_rows_7 = tl.sum(tl.where(inside, loss_rows_6, 0.0).to(tl.float64), 0)
    loss_rows_8 = tl.log(loss_rows_3.to(tl.float32))
    loss_rows_9 = loss_rows_8 - loss_rows_7
    loss_rows_12 = tl.where(loss_rows_11, 0.0, loss_rows_9.to(tl.float32))
    tl.store(out_to + i, loss_rows_12)


# i < loss_rows.shape[0]
@triton.jit
def loss_kernel(I, loss_rows_from, t_from, out_to, LENGTH: tl.constexpr):
    at = tl.arange(0, LENGTH)
    inside = at < I
    loss_rows = tl.load(loss_rows_from + at, mask=inside)
    t_ = tl.load(t_from + at, mask=inside)
    loss_counts_1 = t_ != -100.0
    loss_count = tl.where(loss_counts_1, 1.0, 0.0)
    loss_total = tl.sum(tl.where(inside, loss_rows, 0.0).to(tl.float64), 0)
    loss_count_1 = tl.sum(tl.where(inside, loss_count, 0.0).to(tl.float64), 0)
    loss = loss_total / loss_count_1
    tl.store(out_to, loss)
