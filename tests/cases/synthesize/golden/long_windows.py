# /// kerf
# version = 1
# supports = "x.ndim == 3 and x.shape[0] == 2 and x.shape[1] == 3 and x.shape[2] == 5000 and x.shape[2] - 13 < 2147483648"
# [tune]
# THREADS = [128, 256]
# [[step]]
# launch = "y_kernel"
# grid = ["cdiv(x.shape[2] - 13, THREADS * 4) * (x.shape[0] * x.shape[1])"]
# args = ["cdiv(x.shape[2] - 13, THREADS * 4)", "x.shape[2] - 13", "x.shape[2]", "x", "out"]
# constexpr = { BLOCK = "THREADS * 4" }
# num_warps = "THREADS // 32"
# ///

import triton
import triton.language as tl


@triton.jit
def greater(a, b):  # NaN if either is
    return tl.maximum(a, b, propagate_nan=tl.PropagateNan.ALL)


# i < x.shape[0] * x.shape[1], j < x.shape[2] - 13
@triton.jit
def y_kernel(pieces, J, x_6_limit, x_from, out_to, BLOCK: tl.constexpr):
    program = tl.program_id(0)
    row = program // pieces
    i = (row).to(tl.int64)
    begin = ((program % pieces).to(tl.int64) * BLOCK).to(tl.int32)
    at = begin + tl.arange(0, BLOCK)
    inside = at < J
    if ((begin + BLOCK - 1) + 14 < x_6_limit) & ((begin + BLOCK - 1) + 17 < x_6_limit) & ((begin + BLOCK - 1) < J) & (begin + -1 >= 0) & (begin + -4 >= 0):
        j = at
        x_ = tl.load(x_from + i * x_6_limit + -4 + at)
        x_1 = tl.load(x_from + i * x_6_limit + -1 + at)
        pool = greater(x_, x_1)
        x_2 = tl.load(x_from + i * x_6_limit + 2 + at)
        pool_1 = greater(pool, x_2)
        x_3 = tl.load(x_from + i * x_6_limit + 5 + at)
        pool_2 = greater(pool_1, x_3)
        x_4 = tl.load(x_from + i * x_6_limit + 8 + at)
        pool_3 = greater(pool_2, x_4)
        x_5 = tl.load(x_from + i * x_6_limit + 11 + at)
        pool_4 = greater(pool_3, x_5)
        x_6 = tl.load(x_from + i * x_6_limit + 14 + at)
        pool_5 = greater(pool_4, x_6)
        x_7 = tl.load(x_from + i * x_6_limit + 17 + at)
        pool_6 = greater(pool_5, x_7)
        y_ = tl.where(pool_6 < 0.0, 0.0, pool_6)
        tl.store(out_to + i * J + at, y_)
    else:
        j = at
        x_ = tl.load(x_from + i * x_6_limit + -4 + at, mask=(j + -4 >= 0) & inside, other=-float("inf"))
        x_1 = tl.load(x_from + i * x_6_limit + -1 + at, mask=(j + -1 >= 0) & inside, other=-float("inf"))
        pool = greater(x_, x_1)
        x_2 = tl.load(x_from + i * x_6_limit + 2 + at, mask=inside)
        pool_1 = greater(pool, x_2)
        x_3 = tl.load(x_from + i * x_6_limit + 5 + at, mask=inside)
        pool_2 = greater(pool_1, x_3)
        x_4 = tl.load(x_from + i * x_6_limit + 8 + at, mask=inside)
        pool_3 = greater(pool_2, x_4)
        x_5 = tl.load(x_from + i * x_6_limit + 11 + at, mask=inside)
        pool_4 = greater(pool_3, x_5)
        x_6 = tl.load(x_from + i * x_6_limit + 14 + at, mask=(j + 14 < x_6_limit) & inside, other=-float("inf"))
        pool_5 = greater(pool_4, x_6)
        x_7 = tl.load(x_from + i * x_6_limit + 17 + at, mask=(j + 17 < x_6_limit) & inside, other=-float("inf"))
        pool_6 = greater(pool_5, x_7)
        y_ = tl.where(pool_6 < 0.0, 0.0, pool_6)
        tl.store(out_to + i * J + at, y_, mask=inside)
