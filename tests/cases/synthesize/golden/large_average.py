# /// kerf
# version = 1
# supports = "x.ndim == 4 and x.shape[0] == 2 and x.shape[1] == 4 and x.shape[2] == 70 and x.shape[3] == 200 and 11 * x.shape[3] < 2147483648"
# [tune]
# THREADS = [256]
# [[step]]
# launch = "avg_pool2d_kernel"
# grid = ["cdiv((x.shape[3] - 10 - 1) // 11 + 1, THREADS // 8 * 1) * (x.shape[0] * x.shape[1] * ((x.shape[2] - 10 - 1) // 11 + 1))"]
# args = ["cdiv((x.shape[3] - 10 - 1) // 11 + 1, THREADS // 8 * 1)", "(x.shape[2] - 10 - 1) // 11 + 1", "(x.shape[3] - 10 - 1) // 11 + 1", 11, 11, "x", "x.shape[2] * x.shape[3]", "x.shape[3] * 11", "x.shape[3]", "out"]
# constexpr = { LENGTH = "next_pow2(121)", COLUMNS = "THREADS // 8 * 1" }
# num_warps = "THREADS // 32"
# ///

import triton
import triton.language as tl


# i < 11, j < 11, k < x.shape[0] * x.shape[1], l < (x.shape[2] - 10 - 1) // 11 + 1, m < (x.shape[3] - 10 - 1) // 11 + 1
@triton.jit
def avg_pool2d_kernel(pieces, L, M, I, J, x_from, x_stride_k, x_stride_l, x_stride_i, out_to, LENGTH: tl.constexpr, COLUMNS: tl.constexpr):
    program = tl.program_id(0).to(tl.int64)
    row = program // pieces
    k = row // L
    l = row % L
    m = ((program % pieces) * COLUMNS + tl.arange(0, COLUMNS))[None, :]
    valid = m < M
    at = tl.arange(0, LENGTH)[:, None]
    inside = at < I * J
    i = at // J
    j = at % J
    x_ = tl.load(x_from + k * x_stride_k + l * x_stride_l + m * 11 + j + i * x_stride_i, mask=inside & valid)
    avg_pool2d = tl.sum(tl.where(inside, x_, 0.0).to(tl.float64), 0, keep_dims=True)
    avg_pool2d_2 = avg_pool2d / 121.0
    tl.store(out_to + k * L * M + l * M + m, avg_pool2d_2, mask=valid)
