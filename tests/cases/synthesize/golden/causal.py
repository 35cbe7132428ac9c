# /// kerf
# version = 1
# supports = "x.ndim == 4 and x.shape[0] == 2 and x.shape[1] == 4 and x.shape[2] == 32 and x.shape[3] == 32"
# [tune]
# THREADS = [128]
# [[step]]
# launch = "softmax_kernel"
# grid = ["cdiv(x.shape[0] * x.shape[1] * 32, (THREADS // 4))"]
# args = ["x.shape[0] * x.shape[1]", 32, 32, "x", "out"]
# constexpr = { LENGTH = "next_pow2(32)", ROWS = "THREADS // 4" }
# num_warps = "THREADS // 32"
# ///

import triton
import triton.language as tl


@triton.jit
def greater(a, b):  # NaN if either is
    return tl.maximum(a, b, propagate_nan=tl.PropagateNan.ALL)


# i < x.shape[0] * x.shape[1], j < 32, k < 32
@triton.jit
def softmax_kernel(I, J, K, x_from, out_to, LENGTH: tl.constexpr, ROWS: tl.constexpr):
    row = (tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS))[:, None]
    valid = row < I * J
    i = row // J
    j = row % J
    at = tl.arange(0, LENGTH)[None, :]
    inside = at < K
    e_index = j.to(tl.float32)
    k = at
    e_index_1 = k.to(tl.float32)
    tril = e_index_1 <= e_index
    tril_2 = tl.where(tril, 1.0, 0.0)
    eq = tril_2 == 0.0
    x_ = tl.load(x_from + i * J * K + j * K + at, mask=inside & valid)
    masked_fill_1 = tl.where(eq, -1e+30, x_)
    softmax = tl.reduce(tl.where(inside, masked_fill_1, -float("inf")), 1, greater, keep_dims=True)
    softmax_1 = masked_fill_1 - softmax
    softmax_2 = tl.exp(softmax_1)
    softmax_3 = tl.sum(tl.where(inside, softmax_2, 0.0).to(tl.float64), 1, keep_dims=True)
    softmax_4 = 1.0 / softmax_3
    softmax_5 = softmax_2 * softmax_4.to(tl.float32)
    tl.store(out_to + i * J * K + j * K + at, softmax_5, mask=inside & valid)
