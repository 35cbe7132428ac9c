# /// kerf
# version = 1
# supports = "x.ndim == 2 and x.shape[0] == 64 and x.shape[1] == 300 and z.ndim == 2 and z.shape[0] == 20 and z.shape[1] == 300 and x.shape[0] * x.shape[1] < 2147483648"
# [tune]
# THREADS1 = [256]
# THREADS2 = [256]
# [[step]]
# launch = "sum_kernel"
# grid = ["cdiv(x.shape[1], THREADS1 // 16 * 4)"]
# args = ["x.shape[1]", "x.shape[0]", "x", "out0"]
# constexpr = { LENGTH = "next_pow2(x.shape[0])", COLUMNS = "THREADS1 // 16 * 4" }
# num_warps = "THREADS1 // 32"
# [[step]]
# launch = "cdist_kernel"
# grid = ["cdiv(z.shape[0], THREADS2 // 32 * 1) * (min(10, x.shape[0]))"]
# args = ["cdiv(z.shape[0], THREADS2 // 32 * 1)", "z.shape[0]", "x.shape[1]", "x", "z", "x.shape[1]", "out1"]
# constexpr = { BLOCK = 128, COLUMNS = "THREADS2 // 32 * 1" }
# num_warps = "THREADS2 // 32"
# ///

import triton
import triton.language as tl


# i < x.shape[0], j < x.shape[1]
@triton.jit
def sum_kernel(J, I, x_from, out_to, LENGTH: tl.constexpr, COLUMNS: tl.constexpr):
    j = (tl.program_id(0).to(tl.int64) * COLUMNS + tl.arange(0, COLUMNS))[None, :]
    valid = j < J
    at = tl.arange(0, LENGTH)[:, None]
    inside = at < I
    x_ = tl.load(x_from + j + at * J, mask=inside & valid)
    gt_1 = x_ > 0.5
    sum = tl.where(gt_1, 1.0, 0.0)
    sum_1 = tl.sum(tl.where(inside, sum, 0.0).to(tl.float64), 0, keep_dims=True)
    tl.store(out_to + j, sum_1, mask=valid)


# i < x.shape[1], j < min(10, x.shape[0]), k < z.shape[0]
@triton.jit
def cdist_kernel(pieces, K, I, x_from, z_from, z_stride_k, out_to, BLOCK: tl.constexpr, COLUMNS: tl.constexpr):
    program = tl.program_id(0)
    row = program // pieces
    j = (row).to(tl.int64)
    k = ((program % pieces).to(tl.int64) * COLUMNS + tl.arange(0, COLUMNS))[None, :]
    valid = k < K
    cdist_2_so_far = tl.full([BLOCK, COLUMNS], 0.0, tl.float32)
    for first in tl.range(0, I, BLOCK):
        at = (first + tl.arange(0, BLOCK))[:, None]
        inside = at < I
        x_ = tl.load(x_from + j * I + at, mask=inside)
        z_ = tl.load(z_from + k * z_stride_k + at, mask=inside & valid)
        cdist = x_ - z_
        cdist_1 = cdist * cdist
        cdist_2_so_far += tl.where(inside, cdist_1, 0.0)
    cdist_2 = tl.sum(cdist_2_so_far.to(tl.float64), 0, keep_dims=True)
    cdist_3 = tl.sqrt_rn(cdist_2.to(tl.float32))
    tl.store(out_to + j * K + k, cdist_3, mask=valid)
