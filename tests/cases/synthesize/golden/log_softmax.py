# /// kerf
# version = 1
# supports = "x.ndim == 2 and x.shape[0] == 512 and x.shape[1] == 4096"
# [tune]
# THREADS = [256, 128]
# [[step]]
# launch = "log_softmax_kernel"
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
def log_softmax_kernel(J, x_from, out_to, LENGTH: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    i = row
    at = tl.arange(0, LENGTH)
    inside = at < J
    x_ = tl.load(x_from + i * J + at, mask=inside)
    log_softmax = tl.reduce(tl.where(inside, x_, -float("inf")), 0, greater)
    log_softmax_1 = x_ - log_softmax
    log_softmax_2 = tl.exp(log_softmax_1)
    log_softmax_3 = tl.sum(tl.where(inside, log_softmax_2, 0.0).to(tl.float64), 0)
    log_softmax_4 = tl.log(log_softmax_3.to(tl.float32))
    log_softmax_5 = log_softmax_1 - log_softmax_4
    tl.store(out_to + i * J + at, log_softmax_5, mask=inside, eviction_policy="evict_first")
