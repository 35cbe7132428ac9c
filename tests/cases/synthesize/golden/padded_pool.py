# /// kerf
# version = 1
# supports = "x.ndim == 4 and x.shape[0] == 2 and x.shape[1] == 8 and x.shape[2] == 15 and x.shape[3] == 61 and (x.shape[0] * x.shape[1] * ((x.shape[2] - 1) // 2 + 1)) * ((x.shape[3] - 1) // 2 + 1) < 2147483648 and ((x.shape[3] - 1) // 2 + 1) * 2 < 2147483648 and ((x.shape[2] - 1) // 2 + 1) * x.shape[3] * 2 < 2147483648 and x.shape[0] * x.shape[1] * x.shape[2] * x.shape[3] < 2147483648"
# [tune]
# THREADS = [256, 512]
# [[step]]
# launch = "max_pool2d_kernel"
# grid = ["cdiv((x.shape[0] * x.shape[1] * ((x.shape[2] - 1) // 2 + 1)) * ((x.shape[3] - 1) // 2 + 1), THREADS * 1)"]
# args = ["x.shape[0] * x.shape[1]", "(x.shape[2] - 1) // 2 + 1", "(x.shape[3] - 1) // 2 + 1", "x", "x.shape[3]", "x.shape[3] * 2", "x.shape[2] * x.shape[3]", "x.shape[2]", "out"]
# constexpr = { BLOCK = "THREADS * 1" }
# num_warps = "THREADS // 32"
# ///

import triton
import triton.language as tl


@triton.jit
def greater(a, b):  # NaN if either is
    return tl.maximum(a, b, propagate_nan=tl.PropagateNan.ALL)


# i < x.shape[0] * x.shape[1], j < (x.shape[2] - 1) // 2 + 1, k < (x.shape[3] - 1) // 2 + 1
@triton.jit
def max_pool2d_kernel(I, J, K, x_from, x_step, x_stride_j, x_stride_i, x_6_limit, out_to, BLOCK: tl.constexpr):
    begin = (tl.program_id(0).to(tl.int64) * BLOCK).to(tl.int32)
    at = begin + tl.arange(0, BLOCK)
    inside = at < I * J * K
    i = at // (J * K)
    j = at // K % J
    k = at % K
    x_ = tl.load(x_from + -1 + -1 * x_step + k * 2 + j * x_stride_j + i * x_stride_i, mask=(k * 2 + -1 >= 0) & (j * 2 + -1 >= 0) & inside, other=-float("inf"))
    x_1 = tl.load(x_from + -1 * x_step + k * 2 + j * x_stride_j + i * x_stride_i, mask=(j * 2 + -1 >= 0) & inside, other=-float("inf"))
    max_pool2d = greater(x_, x_1)
    x_2 = tl.load(x_from + 1 + -1 * x_step + k * 2 + j * x_stride_j + i * x_stride_i, mask=(k * 2 + 1 < x_step) & (j * 2 + -1 >= 0) & inside, other=-float("inf"))
    max_pool2d_1 = greater(max_pool2d, x_2)
    x_3 = tl.load(x_from + -1 + k * 2 + j * x_stride_j + i * x_stride_i, mask=(k * 2 + -1 >= 0) & inside, other=-float("inf"))
    max_pool2d_2 = greater(max_pool2d_1, x_3)
    x_4 = tl.load(x_from + k * 2 + j * x_stride_j + i * x_stride_i, mask=inside)
    max_pool2d_3 = greater(max_pool2d_2, x_4)
    x_5 = tl.load(x_from + 1 + k * 2 + j * x_stride_j + i * x_stride_i, mask=(k * 2 + 1 < x_step) & inside, other=-float("inf"))
    max_pool2d_4 = greater(max_pool2d_3, x_5)
    x_6 = tl.load(x_from + -1 + 1 * x_step + k * 2 + j * x_stride_j + i * x_stride_i, mask=(k * 2 + -1 >= 0) & (j * 2 + 1 < x_6_limit) & inside, other=-float("inf"))
    max_pool2d_5 = greater(max_pool2d_4, x_6)
    x_7 = tl.load(x_from + 1 * x_step + k * 2 + j * x_stride_j + i * x_stride_i, mask=(j * 2 + 1 < x_6_limit) & inside, other=-float("inf"))
    max_pool2d_6 = greater(max_pool2d_5, x_7)
    x_8 = tl.load(x_from + 1 + 1 * x_step + k * 2 + j * x_stride_j + i * x_stride_i, mask=(k * 2 + 1 < x_step) & (j * 2 + 1 < x_6_limit) & inside, other=-float("inf"))
    max_pool2d_7 = greater(max_pool2d_6, x_8)
    tl.store(out_to + at, max_pool2d_7, mask=inside)
