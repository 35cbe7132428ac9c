# /// kerf
# version = 1
# supports = "x.ndim == 4 and x.shape[0] == 4 and x.shape[1] == 3 and x.shape[2] == 16 and x.shape[3] == 64 and y.ndim == 4 and y.shape[0] == 4 and y.shape[1] == 5 and y.shape[2] == 16 and y.shape[3] == 64 and z.ndim == 4 and z.shape[0] == 4 and z.shape[1] == 5 and z.shape[2] == 16 and z.shape[3] == 64"
# [tune]
# THREADS = [128, 256]
# [[step]]
# call = "aten.cat.default"
# args = [["x", "y"], 1]
# out = "out0"
# [[step]]
# launch = "exp_kernel"
# grid = ["cdiv(z.shape[0] * z.shape[1] * z.shape[2] * z.shape[3], THREADS * 16)"]
# args = ["z.shape[0] * z.shape[1] * z.shape[2] * z.shape[3]", "z", "out1"]
# constexpr = { BLOCK = "THREADS * 16" }
# num_warps = "THREADS // 32"
# ///

import triton
import triton.language as tl


# i < z.shape[0] * z.shape[1] * z.shape[2] * z.shape[3]
@triton.jit
def exp_kernel(I, z_from, out_to, BLOCK: tl.constexpr):
    begin = tl.program_id(0).to(tl.int64) * BLOCK
    at = begin + tl.arange(0, BLOCK)
    inside = at < I
    z_ = tl.load(z_from + at, mask=inside)
    exp = tl.exp(z_)
    tl.store(out_to + at, exp, mask=inside)
