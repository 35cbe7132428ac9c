# /// kerf
# version = 1
# supports = "x.ndim == 2 and x.shape[0] == 32 and x.shape[1] == 200 and x.shape[0] * min(100, x.shape[1]) < 2147483648 and x.shape[0] * x.shape[1] < 2147483648"
# [tune]
# THREADS = [256, 512]
# [[step]]
# launch = "mul_kernel"
# grid = ["cdiv(x.shape[0] * min(100, x.shape[1]), THREADS * 1)"]
# args = ["x.shape[0]", "min(100, x.shape[1])", "x", "x.shape[1]", "out"]
# constexpr = { BLOCK = "THREADS * 1" }
# num_warps = "THREADS // 32"
# ///

import triton
import triton.language as tl


# i < x.shape[0], j < min(100, x.shape[1])
@triton.jit
def mul_kernel(I, J, x_from, x_stride_i, out_to, BLOCK: tl.constexpr):
    begin = (tl.program_id(0).to(tl.int64) * BLOCK).to(tl.int32)
    at = begin + tl.arange(0, BLOCK)
    inside = at < I * J
    i = at // J
    j = at % J
    x_ = tl.load(x_from + j + i * x_stride_i, mask=inside)
    x_1 = tl.load(x_from + 100 + j + i * x_stride_i, mask=inside)
    silu = 1.0 / (1.0 + tl.exp(-x_))
    silu_1 = x_ * silu
    mul = silu_1 * x_1
    tl.store(out_to + at, mul, mask=inside)
