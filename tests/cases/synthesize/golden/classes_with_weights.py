# /// kerf
# version = 1
# supports = "x.ndim == 2 and x.shape[0] == 64 and x.shape[1] == 1000 and t.ndim == 1 and t.shape[0] == 64 and w.ndim == 1 and w.shape[0] == 1000"
# [tune]
# THREADS1 = [64, 128]
# THREADS2 = [256]
# THREADS3 = [128]
# [[scratch]]
# name = "loss_rows"
# dtype = "f32"
# shape = ["x.shape[0]"]
# [[scratch]]
# name = "loss_counts"
# dtype = "f32"
# shape = ["x.shape[0]"]
# [[step]]
# launch = "loss_rows_kernel"
# grid = ["x.shape[0]"]
# args = ["x.shape[1]", "t", "f32(x.shape[1])", "x", "w", "loss_rows"]
# constexpr = { LENGTH = "next_pow2(x.shape[1])" }
# num_warps = "THREADS1 // 32"
# [[step]]
# launch = "loss_counts_kernel"
# grid = ["cdiv(x.shape[0], THREADS2 // 32 * 1)"]
# args = ["x.shape[0]", "w.shape[0]", "t", "w", "loss_counts"]
# constexpr = { BLOCK = 128, COLUMNS = "THREADS2 // 32 * 1" }
# num_warps = "THREADS2 // 32"
# [[step]]
# launch = "loss_kernel"
# grid = [1]
# args = ["loss_rows.shape[0]", "loss_rows", "loss_counts", "out"]
# constexpr = { LENGTH = "next_pow2(loss_rows.shape[0])" }
# num_warps = "THREADS3 // 32"
# ///

import triton
import triton.language as tl


@triton.jit
def greater(a, b):  # NaN if either is
    return tl.maximum(a, b, propagate_nan=tl.PropagateNan.ALL)


# i < x.shape[0], j < x.shape[1]
@triton.jit
def loss_rows_kernel(J, t_from, loss_rows_count_value, x_from, w_from, out_to, LENGTH: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    i = row
    at = tl.arange(0, LENGTH)
    inside = at < J
    t_ = tl.load(t_from + i)
    loss_rows_17 = 0.1 / loss_rows_count_value
    loss_rows_23 = t_ == -100.0
    x_ = tl.load(x_from + i * J + at, mask=inside)
    loss_rows = tl.reduce(tl.where(inside, x_, -float("inf")), 0, greater)
    j = at
    w_ = tl.load(w_from + at, mask=inside)
    j_index = j.to(tl.float32)
    loss_rows_6 = j_index == t_
    loss_rows_10 = tl.where(loss_rows_6, w_, 0.0)
    loss_rows_11 = tl.sum(tl.where(inside, loss_rows_10, 0.0).to(tl.float64), 0)
    loss_rows_1 = x_ - loss_rows
    loss_rows_2 = tl.exp(loss_rows_1)
    loss_rows_7 = tl.where(loss_rows_6, loss_rows_1, 0.0)
    loss_rows_3 = tl.sum(tl.where(inside, loss_rows_2, 0.0).to(tl.float64), 0)
    loss_rows_8 = tl.sum(tl.where(inside, loss_rows_7, 0.0).to(tl.float64), 0)
    loss_rows_4 = tl.log(loss_rows_3.to(tl.float32))
    loss_rows_9 = loss_rows_4 - loss_rows_8
    loss_rows_12 = loss_rows_11 * loss_rows_9
    loss_rows_20 = loss_rows_12 * 0.9
    loss_rows_13 = loss_rows_4 - loss_rows_1
    loss_rows_14 = loss_rows_13 * w_
    loss_rows_15 = tl.sum(tl.where(inside, loss_rows_14, 0.0).to(tl.float64), 0)
    loss_rows_18 = loss_rows_15 * loss_rows_17
    loss_rows_21 = loss_rows_20 + loss_rows_18
    loss_rows_24 = tl.where(loss_rows_23, 0.0, loss_rows_21.to(tl.float32))
    tl.store(out_to + i, loss_rows_24)


# i < w.shape[0], j < x.shape[0]
@triton.jit
def loss_counts_kernel(J, I, t_from, w_from, out_to, BLOCK: tl.constexpr, COLUMNS: tl.constexpr):
    j = (tl.program_id(0).to(tl.int64) * COLUMNS + tl.arange(0, COLUMNS))[None, :]
    valid = j < J
    t_ = tl.load(t_from + j, mask=valid)
    loss_counts_6 = t_ == -100.0
    loss_counts_3_so_far = tl.full([BLOCK, COLUMNS], 0.0, tl.float32)
    for first in tl.range(0, I, BLOCK):
        at = (first + tl.arange(0, BLOCK))[:, None]
        inside = at < I
        i = at
        w_ = tl.load(w_from + at, mask=inside)
        i_index = i.to(tl.float32)
        loss_counts_1 = i_index == t_
        loss_counts_2 = tl.where(loss_counts_1, w_, 0.0)
        loss_counts_3_so_far += tl.where(inside, loss_counts_2, 0.0)
    loss_counts_3 = tl.sum(loss_counts_3_so_far.to(tl.float64), 0, keep_dims=True)
    loss_counts_4 = -(loss_counts_3)
    loss_counts_7 = tl.where(loss_counts_6, 0.0, loss_counts_4.to(tl.float32))
    tl.store(out_to + j, loss_counts_7, mask=valid)


# i < loss_rows.shape[0]
@triton.jit
def loss_kernel(I, loss_rows_from, loss_counts_from, out_to, LENGTH: tl.constexpr):
    at = tl.arange(0, LENGTH)
    inside = at < I
    loss_rows = tl.load(loss_rows_from + at, mask=inside)
    loss_counts = tl.load(loss_counts_from + at, mask=inside)
    loss_total = tl.sum(tl.where(inside, loss_rows, 0.0).to(tl.float64), 0)
    loss_count = tl.sum(tl.where(inside, loss_counts, 0.0).to(tl.float64), 0)
    loss_quotient = loss_total / loss_count
    loss = -(loss_quotient)
    tl.store(out_to, loss)
