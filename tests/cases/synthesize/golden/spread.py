# /// kerf
# version = 1
# supports = "x.ndim == 2 and x.shape[0] == 16 and x.shape[1] == 40 and y.ndim == 2 and y.shape[0] == 16 and y.shape[1] == 24 and x.shape[0] * x.shape[1] < 2147483648"
# [tune]
# THREADS1 = [128]
# THREADS2 = [128, 256]
# [[scratch]]
# name = "amax"
# dtype = "f32"
# shape = ["y.shape[0]", 1]
# [[step]]
# launch = "amax_kernel"
# grid = ["cdiv(y.shape[0], (THREADS1 // 4))"]
# args = ["y.shape[0]", "y.shape[1]", "y", "amax"]
# constexpr = { LENGTH = "next_pow2(y.shape[1])", ROWS = "THREADS1 // 4" }
# num_warps = "THREADS1 // 32"
# [[step]]
# launch = "add_kernel"
# grid = ["cdiv(x.shape[0] * x.shape[1], THREADS2 * 16)"]
# args = ["x.shape[0]", "x.shape[1]", "x", "amax", "out"]
# constexpr = { BLOCK = "THREADS2 * 16" }
# num_warps = "THREADS2 // 32"
# ///

import triton
import triton.language as tl


@triton.jit
def greater(a, b):  # NaN if either is
    return tl.maximum(a, b, propagate_nan=tl.PropagateNan.ALL)


# i < y.shape[0], j < y.shape[1]
@triton.jit
def amax_kernel(I, J, y_from, out_to, LENGTH: tl.constexpr, ROWS: tl.constexpr):
    row = (tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS))[:, None]
    valid = row < I
    i = row
    at = tl.arange(0, LENGTH)[None, :]
    inside = at < J
    y_ = tl.load(y_from + i * J + at, mask=inside & valid)
    amax = tl.reduce(tl.where(inside, y_, -float("inf")), 1, greater, keep_dims=True)
    tl.store(out_to + i, amax, mask=valid)


# i < x.shape[0], j < x.shape[1]
@triton.jit
def add_kernel(I, J, x_from, amax_from, out_to, BLOCK: tl.constexpr):
    begin = (tl.program_id(0).to(tl.int64) * BLOCK).to(tl.int32)
    at = begin + tl.arange(0, BLOCK)
    inside = at < I * J
    i = at // J
    j = at % J
    x_ = tl.load(x_from + at, mask=inside)
    amax = tl.load(amax_from + i, mask=inside)
    add = amax + x_
    tl.store(out_to + at, add, mask=inside)
