# /// kerf
# version = 1
# supports = "x.ndim == 3 and x.shape[0] == 2 and x.shape[1] == 32 and x.shape[2] == 64 and x.shape[0] * 4 * x.shape[1] * (x.shape[2] // 4) < 2147483648 and 4 * (x.shape[2] // 4) < 2147483648 and x.shape[1] * ((x.shape[2] // 4) * 4) < 2147483648 and x.shape[0] * (((x.shape[2] // 4) * 4) * x.shape[1]) < 2147483648"
# [tune]
# THREADS = [128, 256]
# [[step]]
# launch = "relu_kernel"
# grid = ["cdiv(x.shape[0] * 4 * x.shape[1] * (x.shape[2] // 4), THREADS * 16)"]
# args = ["x.shape[0]", 4, "x.shape[1]", "x.shape[2] // 4", "x", "x.shape[2] // 4", "(x.shape[2] // 4) * 4", "gain", "out"]
# constexpr = { BLOCK = "THREADS * 16" }
# num_warps = "THREADS // 32"
# ///

import triton
import triton.language as tl


# i < x.shape[0], j < 4, k < x.shape[1], l < x.shape[2] // 4
@triton.jit
def relu_kernel(I, J, K, L, x_from, x_stride_j, x_stride_k, gain_from, out_to, BLOCK: tl.constexpr):
    begin = (tl.program_id(0).to(tl.int64) * BLOCK).to(tl.int32)
    at = begin + tl.arange(0, BLOCK)
    inside = at < I * J * K * L
    i = at // (J * K * L)
    j = at // (K * L) % J
    k = at // L % K
    l = at % L
    x_ = tl.load(x_from + l + j * x_stride_j + k * x_stride_k + i * J * K * L, mask=inside)
    gain = tl.load(gain_from + l + j * L, mask=inside)
    mul = x_ * gain
    relu = tl.where(mul < 0.0, 0.0, mul)
    tl.store(out_to + at, relu, mask=inside)
