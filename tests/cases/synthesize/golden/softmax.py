# /// kerf
# version = 1
# supports = "x.ndim == 2 and x.shape[0] == 64 and x.shape[1] == 1000"
# [tune]
# THREADS = [64, 128]
# [[step]]
# launch = "softmax_kernel"
# grid = ["x.shape[0]"]
# args = ["x.shape[1]", "x", "out"]
# constexpr = { LENGTH = "next_pow2(x.shape[1])" }
# num_warps = "THREADS // 32"
# ///

import triton
import triton.language as tl


@triton.jit
def greater(a, b):  # NaN if either is
    return tl.maximum(a, b, propagate_nan=tl.PropagateNan.ALL)


# i < x.shape[0], j < x.shape[1]
@triton.jit
def softmax_kernel(J, x_from, out_to, LENGTH: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    i = row
    at = tl.arange(0, LENGTH)
    inside = at < J
    x_ = tl.load(x_from + i * J + at, mask=inside)
    softmax = tl.reduce(tl.where(inside, x_, -float("inf")), 0, greater)
    softmax_1 = x_ - softmax
    softmax_2 = tl.exp(softmax_1)
    softmax_3 = tl.sum(tl.where(inside, softmax_2, 0.0).to(tl.float64), 0)
    softmax_4 = 1.0 / softmax_3
    softmax_5 = softmax_2 * softmax_4.to(tl.float32)
    tl.store(out_to + i * J + at, softmax_5, mask=inside)
