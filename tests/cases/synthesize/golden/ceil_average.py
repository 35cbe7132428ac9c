# /// kerf
# version = 1
# supports = "x.ndim == 4 and x.shape[0] == 2 and x.shape[1] == 3 and x.shape[2] == 14 and x.shape[3] == 14 and (x.shape[0] * x.shape[1] * (min(cdiv(x.shape[2] - 1, 2) + 1, cdiv(x.shape[2] + 1, 2)))) * (min(cdiv(x.shape[3] - 1, 2) + 1, cdiv(x.shape[3] + 1, 2))) < 2147483648 and (min(cdiv(x.shape[3] - 1, 2) + 1, cdiv(x.shape[3] + 1, 2))) * 2 < 2147483648 and (min(cdiv(x.shape[2] - 1, 2) + 1, cdiv(x.shape[2] + 1, 2))) * x.shape[3] * 2 < 2147483648 and x.shape[0] * x.shape[1] * x.shape[2] * x.shape[3] < 2147483648"
# [tune]
# THREADS = [256, 512]
# [[step]]
# launch = "avg_pool2d_kernel"
# grid = ["cdiv((x.shape[0] * x.shape[1] * (min(cdiv(x.shape[2] - 1, 2) + 1, cdiv(x.shape[2] + 1, 2)))) * (min(cdiv(x.shape[3] - 1, 2) + 1, cdiv(x.shape[3] + 1, 2))), THREADS * 1)"]
# args = ["x.shape[0] * x.shape[1]", "min(cdiv(x.shape[2] - 1, 2) + 1, cdiv(x.shape[2] + 1, 2))", "min(cdiv(x.shape[3] - 1, 2) + 1, cdiv(x.shape[3] + 1, 2))", "f32(x.shape[2])", "f32(x.shape[3])", "x", "x.shape[3]", "x.shape[2]", "x.shape[3] * 2", "x.shape[2] * x.shape[3]", "out"]
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


# i < x.shape[0] * x.shape[1], j < min(cdiv(x.shape[2] - 1, 2) + 1, cdiv(x.shape[2] + 1, 2)), k < min(cdiv(x.shape[3] - 1, 2) + 1, cdiv(x.shape[3] + 1, 2))
@triton.jit
def avg_pool2d_kernel(I, J, K, avg_pool2d_count_value, avg_pool2d_count_1_value, x_from, x_limit, x_limit_1, x_stride_j, x_stride_i, out_to, BLOCK: tl.constexpr):
    begin = (tl.program_id(0).to(tl.int64) * BLOCK).to(tl.int32)
    at = begin + tl.arange(0, BLOCK)
    inside = at < I * J * K
    i = at // (J * K)
    j = at // K % J
    k = at % K
    x_ = tl.load(x_from + -1 + -1 * x_limit + k * 2 + j * x_stride_j + i * x_stride_i, mask=(k * 2 + -1 >= 0) & (k * 2 + -1 < x_limit) & (j * 2 + -1 >= 0) & (j * 2 + -1 < x_limit_1) & inside, other=0.0)
    x_1 = tl.load(x_from + -1 * x_limit + k * 2 + j * x_stride_j + i * x_stride_i, mask=(k * 2 < x_limit) & (j * 2 + -1 >= 0) & (j * 2 + -1 < x_limit_1) & inside, other=0.0)
    avg_pool2d = x_ + x_1
    x_2 = tl.load(x_from + 1 + -1 * x_limit + k * 2 + j * x_stride_j + i * x_stride_i, mask=(k * 2 + 1 < x_limit) & (j * 2 + -1 >= 0) & (j * 2 + -1 < x_limit_1) & inside, other=0.0)
    avg_pool2d_1 = avg_pool2d + x_2
    x_3 = tl.load(x_from + -1 + k * 2 + j * x_stride_j + i * x_stride_i, mask=(k * 2 + -1 >= 0) & (k * 2 + -1 < x_limit) & (j * 2 < x_limit_1) & inside, other=0.0)
    avg_pool2d_2 = avg_pool2d_1 + x_3
    x_4 = tl.load(x_from + k * 2 + j * x_stride_j + i * x_stride_i, mask=(k * 2 < x_limit) & (j * 2 < x_limit_1) & inside, other=0.0)
    avg_pool2d_3 = avg_pool2d_2 + x_4
    x_5 = tl.load(x_from + 1 + k * 2 + j * x_stride_j + i * x_stride_i, mask=(k * 2 + 1 < x_limit) & (j * 2 < x_limit_1) & inside, other=0.0)
    avg_pool2d_4 = avg_pool2d_3 + x_5
    x_6 = tl.load(x_from + -1 + 1 * x_limit + k * 2 + j * x_stride_j + i * x_stride_i, mask=(k * 2 + -1 >= 0) & (k * 2 + -1 < x_limit) & (j * 2 + 1 < x_limit_1) & inside, other=0.0)
    avg_pool2d_5 = avg_pool2d_4 + x_6
    x_7 = tl.load(x_from + 1 * x_limit + k * 2 + j * x_stride_j + i * x_stride_i, mask=(k * 2 < x_limit) & (j * 2 + 1 < x_limit_1) & inside, other=0.0)
    avg_pool2d_6 = avg_pool2d_5 + x_7
    x_8 = tl.load(x_from + 1 + 1 * x_limit + k * 2 + j * x_stride_j + i * x_stride_i, mask=(k * 2 + 1 < x_limit) & (j * 2 + 1 < x_limit_1) & inside, other=0.0)
    avg_pool2d_7 = avg_pool2d_6 + x_8
    o_index = j.to(tl.float32)
    avg_pool2d_10 = o_index * 2.0
    avg_pool2d_11 = -1.0 + avg_pool2d_10
    avg_pool2d_13 = avg_pool2d_11 + 3.0
    avg_pool2d_14 = smaller(avg_pool2d_13, avg_pool2d_count_value)
    avg_pool2d_16 = greater(avg_pool2d_11, 0.0)
    avg_pool2d_17 = avg_pool2d_14 - avg_pool2d_16
    o_index_1 = k.to(tl.float32)
    avg_pool2d_18 = o_index_1 * 2.0
    avg_pool2d_19 = -1.0 + avg_pool2d_18
    avg_pool2d_20 = avg_pool2d_19 + 3.0
    avg_pool2d_21 = smaller(avg_pool2d_20, avg_pool2d_count_1_value)
    avg_pool2d_22 = greater(avg_pool2d_19, 0.0)
    avg_pool2d_23 = avg_pool2d_21 - avg_pool2d_22
    avg_pool2d_24 = avg_pool2d_17 * avg_pool2d_23
    avg_pool2d_25 = avg_pool2d_7 / avg_pool2d_24
    tl.store(out_to + at, avg_pool2d_25, mask=inside)
