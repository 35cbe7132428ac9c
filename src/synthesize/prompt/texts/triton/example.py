# /// kerf
# version = 1
# supports = "x.ndim == 2 and x.shape[1] <= 16384"
# [tune]
# WARPS = [4, 8]
# [[step]]
# launch = "rms_norm"
# grid = ["x.shape[0]"]
# args = ["x", "weight", "out", "x.shape[1]", "init.eps"]
# constexpr = { COLUMNS = "next_pow2(x.shape[1])" }
# num_warps = "WARPS"
# ///

import triton
import triton.language as tl


# A program a row, which stays in registers between the sum and the product: x is read once.
@triton.jit
def rms_norm(x, weight, out, n, eps, COLUMNS: tl.constexpr):
    row = tl.program_id(0).to(tl.int64) * n
    column = tl.arange(0, COLUMNS)
    inside = column < n
    value = tl.load(x + row + column, mask=inside, other=0.0)
    scale = tl.load(weight + column, mask=inside, other=0.0)
    mean = tl.sum((value * value).to(tl.float64), axis=0) / n
    tl.store(out + row + column, value / tl.sqrt_rn(mean.to(tl.float32) + eps) * scale, mask=inside)
