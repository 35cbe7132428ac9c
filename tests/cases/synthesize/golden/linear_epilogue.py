# /// kerf
# version = 1
# supports = "x.ndim == 2 and x.shape[0] == 1024 and x.shape[1] == 8192 and x.shape[0] < 2147483648 and w.shape[0] < 2147483648 and w.shape[1] < 2147483648 and w.shape[1] + w.shape[0] * w.shape[1] < 2147483648 and w.shape[1] + x.shape[0] * w.shape[1] < 2147483648 and w.shape[0] + x.shape[0] * w.shape[0] < 2147483648"
# [tune]
# THREADS = [256]
# [[scratch]]
# name = "gelu_kernel_left"
# dtype = "bf16"
# shape = [3, "cdiv(x.shape[0], 128) * 128 * (cdiv(w.shape[1], 32) * 32)"]
# [[scratch]]
# name = "gelu_kernel_right"
# dtype = "bf16"
# shape = [3, "cdiv(w.shape[0], 128) * 128 * (cdiv(w.shape[1], 32) * 32)"]
# [[step]]
# launch = "gelu_kernel_left_parts"
# grid = ["(cdiv(x.shape[0], 128) * 128) // 32 * ((cdiv(w.shape[1], 32) * 32) // 32)"]
# args = ["(cdiv(w.shape[1], 32) * 32) // 32", "x.shape[0]", "w.shape[1]", "x", "w.shape[1]", "gelu_kernel_left", "cdiv(x.shape[0], 128) * 128 * (cdiv(w.shape[1], 32) * 32)"]
# constexpr = { ROWS = 32, INNER = 32 }
# num_warps = "THREADS // 32"
# [[step]]
# launch = "gelu_kernel_right_parts"
# grid = ["(cdiv(w.shape[0], 128) * 128) // 32 * ((cdiv(w.shape[1], 32) * 32) // 32)"]
# args = ["(cdiv(w.shape[1], 32) * 32) // 32", "w.shape[0]", "w.shape[1]", "w", "w.shape[1]", "gelu_kernel_right", "cdiv(w.shape[0], 128) * 128 * (cdiv(w.shape[1], 32) * 32)"]
# constexpr = { ROWS = 32, INNER = 32 }
# num_warps = "THREADS // 32"
# [[step]]
# launch = "gelu_kernel"
# grid = ["cdiv(x.shape[0], 128) * cdiv(w.shape[0], 128)"]
# args = ["cdiv(w.shape[0], 128)", "cdiv(x.shape[0], 128)", "x.shape[0]", "w.shape[0]", "w.shape[1]", "gelu_kernel_left", "cdiv(x.shape[0], 128) * 128 * (cdiv(w.shape[1], 32) * 32)", "cdiv(w.shape[1], 32) * 32", "gelu_kernel_right", "cdiv(w.shape[0], 128) * 128 * (cdiv(w.shape[1], 32) * 32)", "b", "out"]
# constexpr = { ROWS = 128, COLUMNS = 128, INNER = 32 }
# num_warps = "THREADS // 32"
# ///

import triton
import triton.language as tl


@triton.jit
def first_8_bits(x):
    return (x.to(tl.int32, bitcast=True) & -65536).to(tl.float32, bitcast=True)


@triton.jit
def three_parts(x):
    first = first_8_bits(x)
    second = first_8_bits(x - first)
    return first.to(tl.bfloat16), second.to(tl.bfloat16), (x - first - second).to(tl.bfloat16)


@triton.jit
def dot_of_parts(a1, a2, a3, b1, b2, b3, total):  # of what is below, the products of 2^-24 and less are left out
    sums = tl.dot(a3, b1)
    sums = tl.dot(a1, b3, sums)
    sums = tl.dot(a2, b2, sums)
    sums = tl.dot(a2, b1, sums)
    sums = tl.dot(a1, b2, sums)
    return total + tl.dot(a1, b1, sums)


# i < w.shape[1], j < x.shape[0], k < w.shape[0]: a factor in three parts
@triton.jit
def gelu_kernel_left_parts(across, J, I, x_from, x_stride_j, gelu_kernel_left_to, count, ROWS: tl.constexpr, INNER: tl.constexpr):
    program = tl.program_id(0)
    row = (program // across * ROWS + tl.arange(0, ROWS))[:, None].to(tl.int64)
    valid_rows = row < J
    j = row
    first = program % across * INNER
    valid = valid_rows
    at = (first + tl.arange(0, INNER))[None, :]
    inside = at < I
    x_ = tl.load(x_from + j * x_stride_j + at, mask=inside & valid, other=0.0)
    first_part, second_part, third_part = three_parts(tl.where(inside & valid, x_, 0.0))
    place = row * (across * INNER) + at
    tl.store(gelu_kernel_left_to + place, first_part)
    tl.store(gelu_kernel_left_to + place + count, second_part)
    tl.store(gelu_kernel_left_to + place + tl.cast(count, tl.int64) * 2, third_part)


# i < w.shape[1], j < x.shape[0], k < w.shape[0]: a factor in three parts
@triton.jit
def gelu_kernel_right_parts(across, K, I, w_from, w_stride_k, gelu_kernel_right_to, count, ROWS: tl.constexpr, INNER: tl.constexpr):
    program = tl.program_id(0)
    row = (program // across * ROWS + tl.arange(0, ROWS))[:, None].to(tl.int64)
    valid_rows = row < K
    k = row
    first = program % across * INNER
    valid = valid_rows
    at = (first + tl.arange(0, INNER))[None, :]
    inside = at < I
    w_ = tl.load(w_from + k * w_stride_k + at, mask=inside & valid, other=0.0)
    first_part, second_part, third_part = three_parts(tl.where(inside & valid, w_, 0.0))
    place = row * (across * INNER) + at
    tl.store(gelu_kernel_right_to + place, first_part)
    tl.store(gelu_kernel_right_to + place + count, second_part)
    tl.store(gelu_kernel_right_to + place + tl.cast(count, tl.int64) * 2, third_part)


# i < w.shape[1], j < x.shape[0], k < w.shape[0]
@triton.jit
def gelu_kernel(across, down, J, K, I, gelu_kernel_left_from, left_count, pitch, gelu_kernel_right_from, right_count, b_from, out_to, ROWS: tl.constexpr, COLUMNS: tl.constexpr, INNER: tl.constexpr):
    program = tl.program_id(0)
    first_row = program // (8 * across) * 8
    height = tl.minimum(down - first_row, 8)
    within = program % (8 * across)
    tile_row = first_row + within % height
    tile_column = within // height
    row = (tile_row * ROWS + tl.arange(0, ROWS))[:, None].to(tl.int64)
    column = (tile_column * COLUMNS + tl.arange(0, COLUMNS))[None, :].to(tl.int64)
    valid_rows = row < J
    valid_columns = column < K
    j = row
    k = column
    total = tl.zeros([ROWS, COLUMNS], tl.float32)
    for first in tl.range(0, I, INNER, num_stages=3):
        left_place = gelu_kernel_left_from + row * pitch + (first + tl.arange(0, INNER))[None, :]
        left_1 = tl.load(left_place)
        left_2 = tl.load(left_place + left_count)
        left_3 = tl.load(left_place + tl.cast(left_count, tl.int64) * 2)
        right_place = gelu_kernel_right_from + column * pitch + (first + tl.arange(0, INNER))[:, None]
        right_1 = tl.load(right_place)
        right_2 = tl.load(right_place + right_count)
        right_3 = tl.load(right_place + tl.cast(right_count, tl.int64) * 2)
        total = dot_of_parts(left_1, left_2, left_3, right_1, right_2, right_3, total)
    linear_1 = total
    at = column
    inside = valid_columns
    valid = valid_rows
    b_ = tl.load(b_from + at, mask=inside)
    linear_2 = linear_1 + b_
    gelu_1 = linear_2 * 0.7071067811865475
    gelu_2 = tl.erf(gelu_1)
    gelu_4 = gelu_2 + 1.0
    gelu_6 = linear_2 * 0.5
    gelu_7 = gelu_6 * gelu_4
    tl.store(out_to + j * K + at, gelu_7, mask=inside & valid, eviction_policy="evict_first")
