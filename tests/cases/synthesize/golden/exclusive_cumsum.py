# /// kerf
# version = 1
# supports = "x.ndim == 2 and x.shape[0] == 64 and x.shape[1] == 1000 and x.shape[1] < 2147483648"
# [tune]
# THREADS = [128]
# [[step]]
# launch = "cat_kernel"
# grid = ["x.shape[0]"]
# args = ["x.shape[1]", "x", "out"]
# constexpr = { BLOCK = "THREADS * 8" }
# num_warps = "THREADS // 32"
# ///

import triton
import triton.language as tl


# i < x.shape[0], j < x.shape[1]
@triton.jit
def cat_kernel(J, x_from, out_to, BLOCK: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    i = row
    cat_so_far = tl.full((), 0.0, tl.float64)
    for first in tl.range(0, J, BLOCK):
        at = first + tl.arange(0, BLOCK)
        inside = at < J
        j = at
        x_ = tl.load(x_from + i * J + -1 + at, mask=(j + -1 >= 0) & inside, other=0.0)
        o_index = j.to(tl.float32)
        cat_terms_2 = o_index * 1.0
        cat_terms_3 = -1.0 + cat_terms_2
        cat_terms_5 = cat_terms_3 >= 0.0
        cat_terms_6 = tl.where(cat_terms_5, x_, 0.0)
        cat_up_to = cat_so_far + tl.cumsum(tl.where(inside, cat_terms_6, 0.0).to(tl.float64), 0, reverse=False)
        cat_so_far = tl.sum(tl.where(at == first + (BLOCK - 1), cat_up_to, 0.0), 0)
        cat = cat_up_to.to(tl.float32)
        tl.store(out_to + i * J + at, cat, mask=inside)
