# /// kerf
# version = 1
# supports = "x.ndim == 4 and x.shape[0] == 2 and x.shape[1] == 8 and x.shape[2] == 15 and x.shape[3] == 61 and x.shape[0] * x.shape[1] * x.shape[2] * x.shape[3] < 2147483648 and x.shape[1] * w.shape[2] * w.shape[3] < 2147483648"
# [tune]
# THREADS = [256, 512]
# [[step]]
# launch = "clamp_kernel"
# grid = ["cdiv(x.shape[0] * x.shape[1] * x.shape[2] * x.shape[3], THREADS * 1)"]
# args = ["x.shape[0]", "x.shape[1]", "x.shape[2]", "x.shape[3]", "w", "w.shape[2] * w.shape[3]", "x", "w.shape[3]", "b", "out"]
# constexpr = { BLOCK = "THREADS * 1" }
# num_warps = "THREADS // 32"
# ///

import triton
import triton.language as tl


@triton.jit
def greater(a, b):  # NaN if either is
    return tl.maximum(a, b, propagate_nan=tl.PropagateNan.ALL)


@triton.jit
def smaller(a, b):  # NaN if either is
    return tl.minimum(a, b, propagate_nan=tl.PropagateNan.ALL)


# i < x.shape[0], j < x.shape[1], k < x.shape[2], l < x.shape[3]
@triton.jit
def clamp_kernel(I, J, K, L, w_from, w_stride_j, x_from, w_3_step, b_from, out_to, BLOCK: tl.constexpr):
    begin = (tl.program_id(0).to(tl.int64) * BLOCK).to(tl.int32)
    at = begin + tl.arange(0, BLOCK)
    inside = at < I * J * K * L
    i = at // (J * K * L)
    j = at // (K * L) % J
    k = at // L % K
    l = at % L
    w_ = tl.load(w_from + j * w_stride_j, mask=inside)
    x_ = tl.load(x_from + -1 + -1 * L + at, mask=(l + -1 >= 0) & (k + -1 >= 0) & inside, other=0.0)
    c_ = x_ * w_
    w_1 = tl.load(w_from + 1 + j * w_stride_j, mask=inside)
    x_1 = tl.load(x_from + -1 * L + at, mask=(k + -1 >= 0) & inside, other=0.0)
    c_1 = x_1 * w_1
    c_2 = c_ + c_1
    w_2 = tl.load(w_from + 2 + j * w_stride_j, mask=inside)
    x_2 = tl.load(x_from + 1 + -1 * L + at, mask=(l + 1 < L) & (k + -1 >= 0) & inside, other=0.0)
    c_3 = x_2 * w_2
    c_4 = c_2 + c_3
    w_3 = tl.load(w_from + 1 * w_3_step + j * w_stride_j, mask=inside)
    x_3 = tl.load(x_from + -1 + at, mask=(l + -1 >= 0) & inside, other=0.0)
    c_5 = x_3 * w_3
    c_6 = c_4 + c_5
    w_4 = tl.load(w_from + 1 + 1 * w_3_step + j * w_stride_j, mask=inside)
    x_4 = tl.load(x_from + at, mask=inside)
    c_7 = x_4 * w_4
    c_8 = c_6 + c_7
    w_5 = tl.load(w_from + 2 + 1 * w_3_step + j * w_stride_j, mask=inside)
    x_5 = tl.load(x_from + 1 + at, mask=(l + 1 < L) & inside, other=0.0)
    c_9 = x_5 * w_5
    c_10 = c_8 + c_9
    w_6 = tl.load(w_from + 2 * w_3_step + j * w_stride_j, mask=inside)
    x_6 = tl.load(x_from + -1 + 1 * L + at, mask=(l + -1 >= 0) & (k + 1 < K) & inside, other=0.0)
    c_11 = x_6 * w_6
    c_12 = c_10 + c_11
    w_7 = tl.load(w_from + 1 + 2 * w_3_step + j * w_stride_j, mask=inside)
    x_7 = tl.load(x_from + 1 * L + at, mask=(k + 1 < K) & inside, other=0.0)
    c_13 = x_7 * w_7
    c_14 = c_12 + c_13
    w_8 = tl.load(w_from + 2 + 2 * w_3_step + j * w_stride_j, mask=inside)
    x_8 = tl.load(x_from + 1 + 1 * L + at, mask=(l + 1 < L) & (k + 1 < K) & inside, other=0.0)
    c_15 = x_8 * w_8
    c_16 = c_14 + c_15
    b_ = tl.load(b_from + j, mask=inside)
    c_17 = c_16 + b_
    clamp_2 = greater(c_17, 0.0)
    clamp_3 = smaller(clamp_2, 6.0)
    tl.store(out_to + at, clamp_3, mask=inside)
