# /// kerf
# version = 1
# supports = "x.ndim == 2 and x.shape[0] == 64 and x.shape[1] == 4096"
# [tune]
# THREADS = [128, 256]
# [[step]]
# launch = "mul_kernel"
# grid = ["cdiv(x.shape[0] * x.shape[1], THREADS * 16)"]
# args = ["x.shape[0] * x.shape[1]", "x", "out"]
# constexpr = { BLOCK = "THREADS * 16" }
# num_warps = "THREADS // 32"
# ///

import triton
import triton.language as tl


# i < x.shape[0] * x.shape[1]
@triton.jit
def mul_kernel(I, x_from, out_to, BLOCK: tl.constexpr):
    begin = tl.program_id(0).to(tl.int64) * BLOCK
    at = begin + tl.arange(0, BLOCK)
    inside = at < I
    x_ = tl.load(x_from + at, mask=inside)
    gelu_1 = x_ * 0.7071067811865475
    gelu_2 = tl.erf(gelu_1)
    gelu_4 = gelu_2 + 1.0
    gelu_6 = x_ * 0.5
    gelu_7 = gelu_6 * gelu_4
    mul = gelu_7 * x_
    tl.store(out_to + at, mul, mask=inside)
