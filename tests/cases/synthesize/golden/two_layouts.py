# /// kerf
# version = 1
# supports = "x.ndim == 3 and x.shape[0] == 4 and x.shape[1] == 32 and x.shape[2] == 300 and x.shape[1] * x.shape[2] < 2147483648"
# [tune]
# THREADS = [256]
# [[step]]
# launch = "turned_kernel"
# grid = ["cdiv(x.shape[2], THREADS // 8 * 4) * x.shape[0]"]
# args = ["cdiv(x.shape[2], THREADS // 8 * 4)", "x.shape[2]", "x.shape[1]", "x", "out0", "out1", "x.shape[1]"]
# constexpr = { LENGTH = "next_pow2(x.shape[1])", COLUMNS = "THREADS // 8 * 4" }
# num_warps = "THREADS // 32"
# ///

import triton
import triton.language as tl


@triton.jit
def greater(a, b):  # NaN if either is
    return tl.maximum(a, b, propagate_nan=tl.PropagateNan.ALL)


# i < x.shape[0], j < x.shape[1], k < x.shape[2]
@triton.jit
def turned_kernel(pieces, K, J, x_from, out0_to, out1_to, out1_stride_k, LENGTH: tl.constexpr, COLUMNS: tl.constexpr):
    program = tl.program_id(0)
    row = program // pieces
    i = (row).to(tl.int64)
    k = ((program % pieces).to(tl.int64) * COLUMNS + tl.arange(0, COLUMNS))[None, :]
    valid = k < K
    at = tl.arange(0, LENGTH)[:, None]
    inside = at < J
    x_ = tl.load(x_from + i * J * K + k + at * K, mask=inside & valid)
    softmax = tl.reduce(tl.where(inside, x_, -float("inf")), 0, greater, keep_dims=True)
    softmax_1 = x_ - softmax
    softmax_2 = tl.exp(softmax_1)
    softmax_3 = tl.sum(tl.where(inside, softmax_2, 0.0).to(tl.float64), 0, keep_dims=True)
    softmax_4 = 1.0 / softmax_3
    softmax_5 = softmax_2 * softmax_4.to(tl.float32)
    tl.store(out0_to + i * J * K + k + at * K, softmax_5, mask=inside & valid)
    tl.store(out1_to + i * J * K + k * out1_stride_k + at, softmax_5, mask=inside & valid)
