# /// kerf
# version = 1
# supports = "ids.ndim == 2 and ids.shape[0] == 40 and ids.shape[1] == 300 and others.ndim == 1 and others.shape[0] == 300 and x.ndim == 2 and x.shape[0] == 40 and x.shape[1] == 300 and ids.shape[0] * others.shape[0] < 2147483648"
# [tune]
# THREADS = [128, 256]
# [[step]]
# launch = "chosen_kernel"
# grid = ["cdiv(ids.shape[0] * others.shape[0], THREADS * 16)"]
# args = ["ids.shape[0]", "others.shape[0]", "others", "ids", "x", "out"]
# constexpr = { BLOCK = "THREADS * 16" }
# num_warps = "THREADS // 32"
# ///

import triton
import triton.language as tl


# i < ids.shape[0], j < others.shape[0]
@triton.jit
def chosen_kernel(I, J, others_from, ids_from, x_from, out_to, BLOCK: tl.constexpr):
    begin = (tl.program_id(0).to(tl.int64) * BLOCK).to(tl.int32)
    at = begin + tl.arange(0, BLOCK)
    inside = at < I * J
    i = at // J
    j = at % J
    others = tl.load(others_from + j, mask=inside)
    ids = tl.load(ids_from + at, mask=inside)
    same = ids == others
    x_ = tl.load(x_from + at, mask=inside)
    chosen_1 = tl.where(same, 0.0, x_)
    tl.store(out_to + at, chosen_1, mask=inside)
