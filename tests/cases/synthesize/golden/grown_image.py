# /// kerf
# version = 1
# supports = "x.ndim == 4 and x.shape[0] == 2 and x.shape[1] == 3 and x.shape[2] == 32 and x.shape[3] == 48 and y.ndim == 4 and y.shape[0] == 2 and y.shape[1] == 3 and y.shape[2] == 64 and y.shape[3] == 96 and x.shape[0] * x.shape[1] * x.shape[2] * 2 * x.shape[3] * 2 < 2147483648 and x.shape[0] * x.shape[1] * x.shape[2] * x.shape[3] < 2147483648"
# [tune]
# THREADS = [128, 256]
# [[step]]
# launch = "s_kernel"
# grid = ["cdiv(x.shape[0] * x.shape[1] * x.shape[2] * 2 * x.shape[3] * 2, THREADS * 16)"]
# args = ["x.shape[0] * x.shape[1] * x.shape[2]", 2, "x.shape[3]", 2, "x", "y", "out"]
# constexpr = { BLOCK = "THREADS * 16" }
# num_warps = "THREADS // 32"
# ///

import triton
import triton.language as tl


# i < x.shape[0] * x.shape[1] * x.shape[2], j < 2, k < x.shape[3], l < 2
@triton.jit
def s_kernel(I, J, K, L, x_from, y_from, out_to, BLOCK: tl.constexpr):
    begin = (tl.program_id(0).to(tl.int64) * BLOCK).to(tl.int32)
    at = begin + tl.arange(0, BLOCK)
    inside = at < I * J * K * L
    i = at // (J * K * L)
    j = at // (K * L) % J
    k = at // L % K
    l = at % L
    x_ = tl.load(x_from + k + i * K, mask=inside)
    r_ = tl.where(x_ < 0.0, 0.0, x_)
    r_index = j.to(tl.float32)
    u_2 = r_index < 2.0
    u_3 = tl.where(u_2, r_, 0.0)
    r_index_1 = l.to(tl.float32)
    u_4 = r_index_1 < 2.0
    u_5 = tl.where(u_4, u_3, 0.0)
    y_ = tl.load(y_from + at, mask=inside)
    s_ = u_5 + y_
    tl.store(out_to + at, s_, mask=inside)
