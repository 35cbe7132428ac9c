# /// kerf
# version = 1
# supports = "x.ndim == 4 and x.shape[0] == 2 and x.shape[1] == 4 and x.shape[2] == 70 and x.shape[3] == 200 and (x.shape[0] * x.shape[1] * ((x.shape[2] - 11) // 11 + 1)) * x.shape[3] < 2147483648 and ((x.shape[2] - 11) // 11 + 1) * x.shape[3] * 11 < 2147483648 and x.shape[0] * x.shape[1] * x.shape[2] * x.shape[3] < 2147483648 and (x.shape[0] == 2 and x.shape[1] == 4 and x.shape[2] == 70 and x.shape[3] == 200)"
# [tune]
# THREADS1 = [128, 256]
# THREADS2 = [256, 512]
# [[scratch]]
# name = "avg_pool2d_rows"
# dtype = "f32"
# shape = ["x.shape[0]", "x.shape[1]", "(x.shape[2] - 11) // 11 + 1", "x.shape[3]"]
# [[step]]
# launch = "avg_pool2d_rows_kernel"
# grid = ["cdiv((x.shape[0] * x.shape[1] * ((x.shape[2] - 11) // 11 + 1)) * x.shape[3], THREADS1 * 4)"]
# args = ["x.shape[0] * x.shape[1]", "(x.shape[2] - 11) // 11 + 1", "x.shape[3]", "x", "x.shape[3] * 11", "x.shape[2] * x.shape[3]", "avg_pool2d_rows"]
# constexpr = { BLOCK = "THREADS1 * 4" }
# num_warps = "THREADS1 // 32"
# [[step]]
# launch = "avg_pool2d_kernel"
# grid = ["cdiv(avg_pool2d_rows.shape[0] * avg_pool2d_rows.shape[1] * avg_pool2d_rows.shape[2] * ((avg_pool2d_rows.shape[3] - 11) // 11 + 1), THREADS2 * 1)"]
# args = ["avg_pool2d_rows.shape[0] * avg_pool2d_rows.shape[1] * avg_pool2d_rows.shape[2]", "(avg_pool2d_rows.shape[3] - 11) // 11 + 1", "avg_pool2d_rows", "avg_pool2d_rows.shape[3]", "out"]
# constexpr = { BLOCK = "THREADS2 * 1" }
# num_warps = "THREADS2 // 32"
# ///

import triton
import triton.language as tl


# i < x.shape[0] * x.shape[1], j < (x.shape[2] - 11) // 11 + 1, k < x.shape[3]
@triton.jit
def avg_pool2d_rows_kernel(I, J, K, x_from, x_stride_j, x_stride_i, out_to, BLOCK: tl.constexpr):
    begin = (tl.program_id(0).to(tl.int64) * BLOCK).to(tl.int32)
    at = begin + tl.arange(0, BLOCK)
    inside = at < I * J * K
    i = at // (J * K)
    j = at // K % J
    k = at % K
    x_ = tl.load(x_from + k + j * x_stride_j + i * x_stride_i, mask=inside)
    x_1 = tl.load(x_from + 1 * K + k + j * x_stride_j + i * x_stride_i, mask=inside)
    avg_pool2d_rows = x_ + x_1
    x_2 = tl.load(x_from + 2 * K + k + j * x_stride_j + i * x_stride_i, mask=inside)
    avg_pool2d_rows_1 = avg_pool2d_rows + x_2
    x_3 = tl.load(x_from + 3 * K + k + j * x_stride_j + i * x_stride_i, mask=inside)
    avg_pool2d_rows_2 = avg_pool2d_rows_1 + x_3
    x_4 = tl.load(x_from + 4 * K + k + j * x_stride_j + i * x_stride_i, mask=inside)
    avg_pool2d_rows_3 = avg_pool2d_rows_2 + x_4
    x_5 = tl.load(x_from + 5 * K + k + j * x_stride_j + i * x_stride_i, mask=inside)
    avg_pool2d_rows_4 = avg_pool2d_rows_3 + x_5
    x_6 = tl.load(x_from + 6 * K + k + j * x_stride_j + i * x_stride_i, mask=inside)
    avg_pool2d_rows_5 = avg_pool2d_rows_4 + x_6
    x_7 = tl.load(x_from + 7 * K + k + j * x_stride_j + i * x_stride_i, mask=inside)
    avg_pool2d_rows_6 = avg_pool2d_rows_5 + x_7
    x_8 = tl.load(x_from + 8 * K + k + j * x_stride_j + i * x_stride_i, mask=inside)
    avg_pool2d_rows_7 = avg_pool2d_rows_6 + x_8
    x_9 = tl.load(x_from + 9 * K + k + j * x_stride_j + i * x_stride_i, mask=inside)
    avg_pool2d_rows_8 = avg_pool2d_rows_7 + x_9
    x_10 = tl.load(x_from + 10 * K + k + j * x_stride_j + i * x_stride_i, mask=inside)
    avg_pool2d_rows_9 = avg_pool2d_rows_8 + x_10
    avg_pool2d_rows_11 = avg_pool2d_rows_9 / 11.0
    tl.store(out_to + at, avg_pool2d_rows_11, mask=inside)


# i < avg_pool2d_rows.shape[0] * avg_pool2d_rows.shape[1] * avg_pool2d_rows.shape[2], j < (avg_pool2d_rows.shape[3] - 11) // 11 + 1
@triton.jit
def avg_pool2d_kernel(I, J, avg_pool2d_rows_from, avg_pool2d_rows_stride_i, out_to, BLOCK: tl.constexpr):
    begin = (tl.program_id(0).to(tl.int64) * BLOCK).to(tl.int32)
    at = begin + tl.arange(0, BLOCK)
    inside = at < I * J
    i = at // J
    j = at % J
    avg_pool2d_rows = tl.load(avg_pool2d_rows_from + j * 11 + i * avg_pool2d_rows_stride_i, mask=inside)
    avg_pool2d_rows_1 = tl.load(avg_pool2d_rows_from + 1 + j * 11 + i * avg_pool2d_rows_stride_i, mask=inside)
    avg_pool2d = avg_pool2d_rows + avg_pool2d_rows_1
    avg_pool2d_rows_2 = tl.load(avg_pool2d_rows_from + 2 + j * 11 + i * avg_pool2d_rows_stride_i, mask=inside)
    avg_pool2d_1 = avg_pool2d + avg_pool2d_rows_2
    avg_pool2d_rows_3 = tl.load(avg_pool2d_rows_from + 3 + j * 11 + i * avg_pool2d_rows_stride_i, mask=inside)
    avg_pool2d_2 = avg_pool2d_1 + avg_pool2d_rows_3
    avg_pool2d_rows_4 = tl.load(avg_pool2d_rows_from + 4 + j * 11 + i * avg_pool2d_rows_stride_i, mask=inside)
    avg_pool2d_3 = avg_pool2d_2 + avg_pool2d_rows_4
    avg_pool2d_rows_5 = tl.load(avg_pool2d_rows_from + 5 + j * 11 + i * avg_pool2d_rows_stride_i, mask=inside)
    avg_pool2d_4 = avg_pool2d_3 + avg_pool2d_rows_5
    avg_pool2d_rows_6 = tl.load(avg_pool2d_rows_from + 6 + j * 11 + i * avg_pool2d_rows_stride_i, mask=inside)
    avg_pool2d_5 = avg_pool2d_4 + avg_pool2d_rows_6
    avg_pool2d_rows_7 = tl.load(avg_pool2d_rows_from + 7 + j * 11 + i * avg_pool2d_rows_stride_i, mask=inside)
    avg_pool2d_6 = avg_pool2d_5 + avg_pool2d_rows_7
    avg_pool2d_rows_8 = tl.load(avg_pool2d_rows_from + 8 + j * 11 + i * avg_pool2d_rows_stride_i, mask=inside)
    avg_pool2d_7 = avg_pool2d_6 + avg_pool2d_rows_8
    avg_pool2d_rows_9 = tl.load(avg_pool2d_rows_from + 9 + j * 11 + i * avg_pool2d_rows_stride_i, mask=inside)
    avg_pool2d_8 = avg_pool2d_7 + avg_pool2d_rows_9
    avg_pool2d_rows_10 = tl.load(avg_pool2d_rows_from + 10 + j * 11 + i * avg_pool2d_rows_stride_i, mask=inside)
    avg_pool2d_9 = avg_pool2d_8 + avg_pool2d_rows_10
    avg_pool2d_11 = avg_pool2d_9 / 11.0
    tl.store(out_to + at, avg_pool2d_11, mask=inside)
