# /// kerf
# version = 1
# supports = "x.ndim == 3 and x.shape[0] == 32 and x.shape[1] == 16 and x.shape[2] == 256 and y.ndim == 3 and y.shape[0] == 32 and y.shape[1] == 16 and y.shape[2] == 256 and x.shape[0] * x.shape[1] * x.shape[2] < 2147483648"
# [tune]
# THREADS = [128, 256]
# [[step]]
# launch = "masked_fill_kernel"
# grid = ["cdiv(x.shape[0] * x.shape[1] * x.shape[2], THREADS * 16)"]
# args = ["x.shape[0]", "x.shape[1]", "x.shape[2]", "x", "y", "slope", "out"]
# constexpr = { BLOCK = "THREADS * 16" }
# num_warps = "THREADS // 32"
# ///

import triton
import triton.language as tl


# i < x.shape[0], j < x.shape[1], k < x.shape[2]
@triton.jit
def masked_fill_kernel(I, J, K, x_from, y_from, slope_from, out_to, BLOCK: tl.constexpr):
    begin = (tl.program_id(0).to(tl.int64) * BLOCK).to(tl.int32)
    at = begin + tl.arange(0, BLOCK)
    inside = at < I * J * K
    softshrink_3 = -(tl.full((), 0.2, tl.float32))
    i = at // (J * K)
    j = at // K % J
    k = at % K
    x_ = tl.load(x_from + at, mask=inside)
    hardshrink_2 = tl.abs(x_)
    hardshrink_3 = hardshrink_2 <= 0.3
    hardshrink_4 = tl.where(hardshrink_3, 0.0, x_)
    y_ = tl.load(y_from + at, mask=inside)
    softshrink_1 = y_ * 0.0
    softshrink_2 = y_ + 0.2
    softshrink_4 = y_ < softshrink_3
    softshrink_5 = tl.where(softshrink_4, softshrink_2, softshrink_1)
    softshrink_6 = y_ - 0.2
    softshrink_7 = y_ > 0.2
    softshrink_8 = tl.where(softshrink_7, softshrink_6, softshrink_5)
    threshold_2 = y_ <= -0.5
    threshold_3 = tl.where(threshold_2, -1.0, y_)
    slope = tl.load(slope_from + j, mask=inside)
    prelu = softshrink_8 * slope
    prelu_1 = softshrink_8 > 0.0
    prelu_2 = tl.where(prelu_1, softshrink_8, prelu)
    addcmul = prelu_2 * threshold_3
    addcmul_1 = hardshrink_4 + addcmul
    gt = x_ > y_
    masked_fill_1 = tl.where(gt, 2.0, addcmul_1)
    tl.store(out_to + at, masked_fill_1, mask=inside)
