# /// kerf
# version = 1
# supports = "x.ndim == 2 and x.shape[0] == 64 and x.shape[1] == 300 and y.ndim == 2 and y.shape[0] == 64 and y.shape[1] == 300"
# [tune]
# THREADS = [64, 128]
# [[step]]
# launch = "any_kernel"
# grid = ["y.shape[0]"]
# args = ["y.shape[1]", "y", "x", "out0", "out1"]
# constexpr = { LENGTH = "next_pow2(y.shape[1])" }
# num_warps = "THREADS // 32"
# [[step]]
# call = "aten.msort.default"
# args = ["out0"]
# out = "out2"
# ///

import triton
import triton.language as tl


@triton.jit
def greater(a, b):  # NaN if either is
    return tl.maximum(a, b, propagate_nan=tl.PropagateNan.ALL)


# i < y.shape[0], j < y.shape[1]
@triton.jit
def any_kernel(J, y_from, x_from, out0_to, out1_to, LENGTH: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    i = row
    at = tl.arange(0, LENGTH)
    inside = at < J
    y_ = tl.load(y_from + i * J + at, mask=inside)
    x_ = tl.load(x_from + i * J + at, mask=inside)
    gt = x_ > y_
    isnan = x_ != x_
    logical_or = gt | isnan
    any = tl.where(logical_or, 1.0, 0.0)
    any_1 = tl.reduce(tl.where(inside, any, -float("inf")), 0, greater)
    any_3 = any_1 != 0.0
    tl.store(out0_to + i * J + at, logical_or, mask=inside)
    tl.store(out1_to + i, any_3)
