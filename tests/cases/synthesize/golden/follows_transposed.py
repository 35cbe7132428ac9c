# /// kerf
# version = 1
# supports = "x.ndim == 3 and x.shape[0] == 8 and x.shape[1] == 64 and x.shape[2] == 48 and w.ndim == 3 and w.shape[0] == 8 and w.shape[1] == 64 and w.shape[2] == 20"
# [tune]
# THREADS = [128, 256]
# [[scratch]]
# name = "shifted_stored"
# dtype = "f32"
# shape = ["x.shape[0]", "x.shape[1]", "x.shape[2]"]
# [[step]]
# launch = "shifted_stored_kernel"
# grid = ["cdiv(x.shape[0] * x.shape[1] * x.shape[2], THREADS * 16)"]
# args = ["x.shape[0] * x.shape[1] * x.shape[2]", "x", "shifted_stored"]
# constexpr = { BLOCK = "THREADS * 16" }
# num_warps = "THREADS // 32"
# [[step]]
# call = "aten.permute.default"
# args = ["shifted_stored", [0, 2, 1]]
# out = "shifted"
# [[step]]
# call = "aten.bmm.default"
# args = ["shifted", "w"]
# out = "out"
# ///

import triton
import triton.language as tl


# i < x.shape[0] * x.shape[1] * x.shape[2]
@triton.jit
def shifted_stored_kernel(I, x_from, out_to, BLOCK: tl.constexpr):
    begin = tl.program_id(0).to(tl.int64) * BLOCK
    at = begin + tl.arange(0, BLOCK)
    inside = at < I
    x_ = tl.load(x_from + at, mask=inside)
    scaled_stored_1 = x_ * 0.25
    shifted_stored = tl.where(scaled_stored_1 < 0.0, 0.0, scaled_stored_1)
    tl.store(out_to + at, shifted_stored, mask=inside)
