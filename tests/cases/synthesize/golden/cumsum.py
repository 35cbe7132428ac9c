# /// kerf
# version = 1
# supports = "x.ndim == 2 and x.shape[0] == 64 and x.shape[1] == 1000 and keep.ndim == 2 and keep.shape[0] == 64 and keep.shape[1] == 1000 and keep.shape[1] < 2147483648"
# [tune]
# THREADS = [128]
# [[step]]
# launch = "exclusive_kernel"
# grid = ["keep.shape[0]"]
# args = ["keep.shape[1]", "keep", "x", "out"]
# constexpr = { BLOCK = "THREADS * 8" }
# num_warps = "THREADS // 32"
# ///

import triton
import triton.language as tl


# i < keep.shape[0], j < keep.shape[1]
@triton.jit
def exclusive_kernel(J, keep_from, x_from, out_to, BLOCK: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    i = row
    sums__so_far = tl.full((), 0.0, tl.float64)
    for first in tl.range(0, J, BLOCK):
        at = first + tl.arange(0, BLOCK)
        inside = at < J
        keep_ = tl.load(keep_from + i * J + at, mask=inside)
        x_ = tl.load(x_from + i * J + at, mask=inside)
        masked = tl.where(keep_, 1.0, 0.0)
        masked_1 = x_ * masked
        sums__up_to = sums__so_far + tl.cumsum(tl.where(inside, masked_1, 0.0).to(tl.float64), 0, reverse=False)
        sums__so_far = tl.sum(tl.where(at == first + (BLOCK - 1), sums__up_to, 0.0), 0)
        sums_ = sums__up_to.to(tl.float32)
        exclusive = sums_ - masked_1
        tl.store(out_to + i * J + at, exclusive, mask=inside)
