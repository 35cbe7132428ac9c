# /// kerf
# version = 1
# supports = "x.ndim == 4 and x.shape[0] == 2 and x.shape[1] == 4 and x.shape[2] == 90 and x.shape[3] == 200 and 40 * x.shape[3] < 2147483648"
# [tune]
# THREADS = [256]
# [[step]]
# launch = "avg_pool2d_kernel"
# grid = ["cdiv(x.shape[3], THREADS // 16 * 4) * (x.shape[0] * x.shape[1] * ((x.shape[2] - 40) // 10 + 1))"]
# args = ["cdiv(x.shape[3], THREADS // 16 * 4)", "(x.shape[2] - 40) // 10 + 1", "x.shape[3]", 40, "x", "x.shape[2] * x.shape[3]", "x.shape[3] * 10", "out"]
# constexpr = { LENGTH = "next_pow2(40)", COLUMNS = "THREADS // 16 * 4" }
# num_warps = "THREADS // 32"
# ///

import triton
import triton.language as tl


# i < 40, j < x.shape[0] * x.shape[1], k < (x.shape[2] - 40) // 10 + 1, l < x.shape[3]
@triton.jit
def avg_pool2d_kernel(pieces, K, L, I, x_from, x_stride_j, x_stride_k, out_to, LENGTH: tl.constexpr, COLUMNS: tl.constexpr):
    program = tl.program_id(0)
    row = program // pieces
    j = (row // K).to(tl.int64)
    k = (row % K).to(tl.int64)
    l = ((program % pieces).to(tl.int64) * COLUMNS + tl.arange(0, COLUMNS))[None, :]
    valid = l < L
    at = tl.arange(0, LENGTH)[:, None]
    inside = at < I
    x_ = tl.load(x_from + j * x_stride_j + k * x_stride_k + l + at * L, mask=inside & valid)
    avg_pool2d = tl.sum(tl.where(inside, x_, 0.0).to(tl.float64), 0, keep_dims=True)
    avg_pool2d_2 = avg_pool2d / 40.0
    tl.store(out_to + j * K * L + k * L + l, avg_pool2d_2, mask=valid)
