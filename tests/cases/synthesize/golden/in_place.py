# /// kerf
# version = 1
# supports = "x.ndim == 2 and x.shape[0] == 32 and x.shape[1] == 128"
# [tune]
# THREADS = [128, 256]
# [[scratch]]
# name = "mm"
# dtype = "f32"
# shape = ["x.shape[0]", "x.shape[1]"]
# [[step]]
# call = "aten.mm.default"
# args = ["x", "w"]
# out = "mm"
# [[step]]
# launch = "mul_kernel"
# grid = ["cdiv(mm.shape[0] * mm.shape[1], THREADS * 16)"]
# args = ["mm.shape[0] * mm.shape[1]", "mm", "out"]
# constexpr = { BLOCK = "THREADS * 16" }
# num_warps = "THREADS // 32"
# ///

import triton
import triton.language as tl


# i < mm.shape[0] * mm.shape[1]
@triton.jit
def mul_kernel(I, mm_from, out_to, BLOCK: tl.constexpr):
    begin = tl.program_id(0).to(tl.int64) * BLOCK
    at = begin + tl.arange(0, BLOCK)
    inside = at < I
    mm = tl.load(mm_from + at, mask=inside)
    relu_ = tl.where(mm < 0.0, 0.0, mm)
    mul_1 = relu_ * 2.0
    tl.store(out_to + at, mul_1, mask=inside)
