# /// kerf
# version = 1
# supports = "x.ndim == 2 and x.shape[0] == 64 and x.shape[1] == 1000 and x.shape[1] < 2147483648"
# [tune]
# THREADS = [128]
# [[step]]
# launch = "y_kernel"
# grid = ["x.shape[0]"]
# args = ["x.shape[1]", "x", "out"]
# constexpr = { BLOCK = "THREADS * 8" }
# num_warps = "THREADS // 32"
# ///

import triton
import triton.language as tl


# i < x.shape[0], j < x.shape[1]
@triton.jit
def y_kernel(J, x_from, out_to, BLOCK: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    i = row
    sums_flipped_so_far = tl.full((), 0.0, tl.float64)
    for first in tl.range(0, J, BLOCK):
        lowest = J - first - BLOCK
        at = lowest + (BLOCK - 1 - tl.arange(0, BLOCK))
        inside = at >= 0
        x_ = tl.load(x_from + i * J + at, mask=inside)
        sums_flipped_up_to = sums_flipped_so_far + tl.cumsum(tl.where(inside, x_, 0.0).to(tl.float64), 0, reverse=False)
        sums_flipped_so_far = tl.sum(tl.where(at == lowest, sums_flipped_up_to, 0.0), 0)
        sums_flipped = sums_flipped_up_to.to(tl.float32)
        tl.store(out_to + i * J + at, sums_flipped, mask=inside)
