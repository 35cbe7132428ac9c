# /// kerf
# version = 1
# supports = "x.ndim == 3 and x.shape[0] == 6 and x.shape[1] == 128 and x.shape[2] == 1023 and x.shape[1] * x.shape[2] < 2147483648"
# [tune]
# THREADS = [512]
# [[step]]
# launch = "argmax_kernel"
# grid = ["cdiv(x.shape[2], THREADS // 32 * 4) * x.shape[0]"]
# args = ["cdiv(x.shape[2], THREADS // 32 * 4)", "x.shape[2]", "x.shape[1]", "x", "out"]
# constexpr = { LENGTH = "next_pow2(x.shape[1])", COLUMNS = "THREADS // 32 * 4" }
# num_warps = "THREADS // 32"
# ///

import triton
import triton.language as tl


@triton.jit
def further_up(a, i, b, j):  # the larger value and its position; of equal ones the first, NaN beyond every number
    same = (a == b) | ((a != a) & (b != b))
    second = (b > a) | ((b != b) & (a == a)) | (same & (j < i))
    return tl.where(second, b, a), tl.where(second, j, i)


# i < x.shape[0], j < x.shape[1], k < x.shape[2]
@triton.jit
def argmax_kernel(pieces, K, J, x_from, out_to, LENGTH: tl.constexpr, COLUMNS: tl.constexpr):
    program = tl.program_id(0)
    row = program // pieces
    i = (row).to(tl.int64)
    k = ((program % pieces).to(tl.int64) * COLUMNS + tl.arange(0, COLUMNS))[None, :]
    valid = k < K
    at = tl.arange(0, LENGTH)[:, None]
    inside = at < J
    x_ = tl.load(x_from + i * J * K + k + at * K, mask=inside & valid, eviction_policy="evict_first")
    _, argmax = tl.reduce((tl.where(inside, x_, -float("inf")), tl.where(inside, at, 2147483647) + tl.zeros([LENGTH, COLUMNS], tl.int32)), 0, further_up, keep_dims=True)
    tl.store(out_to + i * K + k, argmax, mask=valid)
