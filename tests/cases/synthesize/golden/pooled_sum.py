# /// kerf
# version = 1
# supports = "x.ndim == 4 and x.shape[0] == 64 and x.shape[1] == 3 and x.shape[2] == 32 and x.shape[3] == 32 and ((x.shape[3] - 4) // 4 + 1) * 4 < 2147483648 and (x.shape[1] * ((x.shape[2] - 4) // 4 + 1)) * x.shape[3] * 4 < 2147483648"
# [tune]
# THREADS = [128]
# [[step]]
# launch = "sum_1_kernel"
# grid = ["cdiv(x.shape[0], (THREADS // 32))"]
# args = ["x.shape[0]", "x.shape[1] * ((x.shape[2] - 4) // 4 + 1)", "(x.shape[3] - 4) // 4 + 1", "x", "x.shape[2] * x.shape[3] * x.shape[1]", "x.shape[3] * 4", "x.shape[3]", "out"]
# constexpr = { LENGTH = "next_pow2((x.shape[1] * ((x.shape[2] - 4) // 4 + 1)) * ((x.shape[3] - 4) // 4 + 1))", ROWS = "THREADS // 32" }
# num_warps = "THREADS // 32"
# ///

import triton
import triton.language as tl


# i < x.shape[0], j < x.shape[1] * ((x.shape[2] - 4) // 4 + 1), k < (x.shape[3] - 4) // 4 + 1
@triton.jit
def sum_1_kernel(I, J, K, x_from, x_stride_i, x_stride_j, x_4_step, out_to, LENGTH: tl.constexpr, ROWS: tl.constexpr):
    row = (tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS))[:, None]
    valid = row < I
    i = row
    at = tl.arange(0, LENGTH)[None, :]
    inside = at < J * K
    j = at // K
    k = at % K
    x_ = tl.load(x_from + i * x_stride_i + k * 4 + j * x_stride_j, mask=inside & valid)
    x_1 = tl.load(x_from + i * x_stride_i + 1 + k * 4 + j * x_stride_j, mask=inside & valid)
    avg_pool2d = x_ + x_1
    x_2 = tl.load(x_from + i * x_stride_i + 2 + k * 4 + j * x_stride_j, mask=inside & valid)
    avg_pool2d_1 = avg_pool2d + x_2
    x_3 = tl.load(x_from + i * x_stride_i + 3 + k * 4 + j * x_stride_j, mask=inside & valid)
    avg_pool2d_2 = avg_pool2d_1 + x_3
    x_4 = tl.load(x_from + i * x_stride_i + 1 * x_4_step + k * 4 + j * x_stride_j, mask=inside & valid)
    avg_pool2d_3 = avg_pool2d_2 + x_4
    x_5 = tl.load(x_from + i * x_stride_i + 1 + 1 * x_4_step + k * 4 + j * x_stride_j, mask=inside & valid)
    avg_pool2d_4 = avg_pool2d_3 + x_5
    x_6 = tl.load(x_from + i * x_stride_i + 2 + 1 * x_4_step + k * 4 + j * x_stride_j, mask=inside & valid)
    avg_pool2d_5 = avg_pool2d_4 + x_6
    x_7 = tl.load(x_from + i * x_stride_i + 3 + 1 * x_4_step + k * 4 + j * x_stride_j, mask=inside & valid)
    avg_pool2d_6 = avg_pool2d_5 + x_7
    x_8 = tl.load(x_from + i * x_stride_i + 2 * x_4_step + k * 4 + j * x_stride_j, mask=inside & valid)
    avg_pool2d_7 = avg_pool2d_6 + x_8
    x_9 = tl.load(x_from + i * x_stride_i + 1 + 2 * x_4_step + k * 4 + j * x_stride_j, mask=inside & valid)
    avg_pool2d_8 = avg_pool2d_7 + x_9
    x_10 = tl.load(x_from + i * x_stride_i + 2 + 2 * x_4_step + k * 4 + j * x_stride_j, mask=inside & valid)
    avg_pool2d_9 = avg_pool2d_8 + x_10
    x_11 = tl.load(x_from + i * x_stride_i + 3 + 2 * x_4_step + k * 4 + j * x_stride_j, mask=inside & valid)
    avg_pool2d_10 = avg_pool2d_9 + x_11
    x_12 = tl.load(x_from + i * x_stride_i + 3 * x_4_step + k * 4 + j * x_stride_j, mask=inside & valid)
    avg_pool2d_11 = avg_pool2d_10 + x_12
    x_13 = tl.load(x_from + i * x_stride_i + 1 + 3 * x_4_step + k * 4 + j * x_stride_j, mask=inside & valid)
    avg_pool2d_12 = avg_pool2d_11 + x_13
    x_14 = tl.load(x_from + i * x_stride_i + 2 + 3 * x_4_step + k * 4 + j * x_stride_j, mask=inside & valid)
    avg_pool2d_13 = avg_pool2d_12 + x_14
    x_15 = tl.load(x_from + i * x_stride_i + 3 + 3 * x_4_step + k * 4 + j * x_stride_j, mask=inside & valid)
    avg_pool2d_14 = avg_pool2d_13 + x_15
    avg_pool2d_16 = avg_pool2d_14 / 16.0
    sigmoid = 1.0 / (1.0 + tl.exp(-avg_pool2d_16))
    sum_1 = tl.sum(tl.where(inside, sigmoid, 0.0).to(tl.float64), 1, keep_dims=True)
    tl.store(out_to + i, sum_1, mask=valid)
