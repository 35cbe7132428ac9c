# /// kerf
# version = 1
# supports = "x.ndim == 3 and x.shape[0] == 6 and x.shape[1] == 500 and x.shape[2] == 300 and x.shape[1] < 2147483648 and x.shape[1] * x.shape[2] < 2147483648"
# [tune]
# THREADS = [64]
# [[step]]
# launch = "r_kernel"
# grid = ["cdiv(x.shape[2], THREADS // 2 * 1) * (x.shape[0])"]
# args = ["x.shape[1] // (1 + 3 * (1 - min(1, x.shape[1] % 4)))", "cdiv(x.shape[2], THREADS // 2 * 1)", "x.shape[2] // (1 + 3 * (1 - min(1, x.shape[2] % 4)))", "x", "out"]
# constexpr = { BLOCK = 64, COLUMNS = "THREADS // 2 * 1", J_UNIT = "1 + 3 * (1 - min(1, x.shape[1] % 4))", K_UNIT = "1 + 3 * (1 - min(1, x.shape[2] % 4))" }
# num_warps = "THREADS // 32"
# ///

import triton
import triton.language as tl


@triton.jit
def times(a, b):
    return a * b


# i < x.shape[0], j < x.shape[1], k < x.shape[2]
@triton.jit
def r_kernel(J_units, pieces, K_units, x_from, out_to, BLOCK: tl.constexpr, COLUMNS: tl.constexpr, J_UNIT: tl.constexpr, K_UNIT: tl.constexpr):
    J = J_units * J_UNIT
    K = K_units * K_UNIT
    program = tl.program_id(0).to(tl.int64)
    row = program // pieces
    i = row
    k = ((program % pieces) * COLUMNS + tl.arange(0, COLUMNS))[None, :]
    valid = k < K
    p__so_far = tl.full([1, COLUMNS], 1.0, tl.float64)
    for first in tl.range(0, J, BLOCK):
        at = (first + tl.arange(0, BLOCK))[:, None]
        inside = at < J
        x_ = tl.load(x_from + i * J * K + k + at * K, mask=inside & valid, eviction_policy="evict_first")
        p__up_to = p__so_far * tl.associative_scan(tl.where(inside, x_, 1.0).to(tl.float64), 0, times, reverse=False)
        p__so_far = tl.sum(tl.where(at == first + (BLOCK - 1), p__up_to, 0.0), 0, keep_dims=True)
        p_ = p__up_to.to(tl.float32)
        r_ = tl.where(p_ < 0.0, 0.0, p_)
        tl.store(out_to + i * J * K + k + at * K, r_, mask=inside & valid, eviction_policy="evict_first")
