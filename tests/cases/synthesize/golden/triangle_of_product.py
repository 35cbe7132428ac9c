# /// kerf
# version = 1
# supports = "a.ndim == 2 and a.shape[0] == 4096 and a.shape[1] == 4096 and b.ndim == 2 and b.shape[0] == 4096 and b.shape[1] == 4096 and b.shape[1] < 2147483648 and a.shape[0] < 2147483648 and b.shape[0] < 2147483648 and b.shape[0] * b.shape[1] < 2147483648 and b.shape[1] + b.shape[0] * b.shape[1] < 2147483648 and b.shape[0] + a.shape[0] * b.shape[0] < 2147483648 and b.shape[1] + a.shape[0] * b.shape[1] < 2147483648"
# [tune]
# THREADS = [256]
# [[scratch]]
# name = "tril_kernel_left"
# dtype = "bf16"
# shape = [3, "cdiv(b.shape[1], 128) * 128 * (cdiv(b.shape[0], 32) * 32)"]
# [[scratch]]
# name = "tril_kernel_right"
# dtype = "bf16"
# shape = [3, "cdiv(a.shape[0], 128) * 128 * (cdiv(b.shape[0], 32) * 32)"]
# [[step]]
# launch = "tril_kernel_left_parts"
# grid = ["(cdiv(b.shape[1], 128) * 128) // 32 * ((cdiv(b.shape[0], 32) * 32) // 32)"]
# args = ["(cdiv(b.shape[0], 32) * 32) // 32", "b.shape[1]", "b.shape[0]", "b", "tril_kernel_left", "cdiv(b.shape[1], 128) * 128 * (cdiv(b.shape[0], 32) * 32)"]
# constexpr = { ROWS = 32, INNER = 32 }
# num_warps = "THREADS // 32"
# [[step]]
# launch = "tril_kernel_right_parts"
# grid = ["(cdiv(a.shape[0], 128) * 128) // 32 * ((cdiv(b.shape[0], 32) * 32) // 32)"]
# args = ["(cdiv(b.shape[0], 32) * 32) // 32", "a.shape[0]", "b.shape[0]", "a", "b.shape[0]", "tril_kernel_right", "cdiv(a.shape[0], 128) * 128 * (cdiv(b.shape[0], 32) * 32)"]
# constexpr = { ROWS = 32, INNER = 32 }
# num_warps = "THREADS // 32"
# [[step]]
# launch = "tril_kernel"
# grid = ["cdiv(b.shape[1], 128) * cdiv(a.shape[0], 128)"]
# args = ["cdiv(a.shape[0], 128)", "cdiv(b.shape[1], 128)", "b.shape[1]", "a.shape[0]", "b.shape[0]", "tril_kernel_left", "cdiv(b.shape[1], 128) * 128 * (cdiv(b.shape[0], 32) * 32)", "cdiv(b.shape[0], 32) * 32", "tril_kernel_right", "cdiv(a.shape[0], 128) * 128 * (cdiv(b.shape[0], 32) * 32)", "out"]
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


# i < b.shape[0], j < a.shape[0], k < b.shape[1]: a factor in three parts
@triton.jit
def tril_kernel_left_parts(across, K, I, b_from, tril_kernel_left_to, count, ROWS: tl.constexpr, INNER: tl.constexpr):
    program = tl.program_id(0)
    row = (program // across * ROWS + tl.arange(0, ROWS))[:, None].to(tl.int64)
    valid_rows = row < K
    k = row
    first = program % across * INNER
    valid = valid_rows
    at = (first + tl.arange(0, INNER))[None, :]
    inside = at < I
    b_ = tl.load(b_from + k + at * K, mask=inside & valid, other=0.0)
    first_part, second_part, third_part = three_parts(tl.where(inside & valid, b_, 0.0))
    place = row * (across * INNER) + at
    tl.store(tril_kernel_left_to + place, first_part)
    tl.store(tril_kernel_left_to + place + count, second_part)
    tl.store(tril_kernel_left_to + place + tl.cast(count, tl.int64) * 2, third_part)


# i < b.shape[0], j < a.shape[0], k < b.shape[1]: a factor in three parts
@triton.jit
def tril_kernel_right_parts(across, J, I, a_from, a_stride_j, tril_kernel_right_to, count, ROWS: tl.constexpr, INNER: tl.constexpr):
    program = tl.program_id(0)
    row = (program // across * ROWS + tl.arange(0, ROWS))[:, None].to(tl.int64)
    valid_rows = row < J
    j = row
    first = program % across * INNER
    valid = valid_rows
    at = (first + tl.arange(0, INNER))[None, :]
    inside = at < I
    a_ = tl.load(a_from + j * a_stride_j + at, mask=inside & valid, other=0.0)
    first_part, second_part, third_part = three_parts(tl.where(inside & valid, a_, 0.0))
    place = row * (across * INNER) + at
    tl.store(tril_kernel_right_to + place, first_part)
    tl.store(tril_kernel_right_to + place + count, second_part)
    tl.store(tril_kernel_right_to + place + tl.cast(count, tl.int64) * 2, third_part)


# i < b.shape[0], j < a.shape[0], k < b.shape[1]
@triton.jit
def tril_kernel(across, down, K, J, I, tril_kernel_left_from, left_count, pitch, tril_kernel_right_from, right_count, out_to, ROWS: tl.constexpr, COLUMNS: tl.constexpr, INNER: tl.constexpr):
    program = tl.program_id(0)
    first_row = program // (8 * across) * 8
    height = tl.minimum(down - first_row, 8)
    within = program % (8 * across)
    tile_row = first_row + within % height
    tile_column = within // height
    row = (tile_row * ROWS + tl.arange(0, ROWS))[:, None].to(tl.int64)
    column = (tile_column * COLUMNS + tl.arange(0, COLUMNS))[None, :].to(tl.int64)
    valid_rows = row < K
    valid_columns = column < J
    k = row
    j = column
    i_index = j.to(tl.float32)
    j_index = k.to(tl.float32)
    tril = j_index <= i_index
    wanted = tl.max(tl.where((tril == 1), 1, 0) + tl.zeros([ROWS, COLUMNS], tl.int32))
    last = tl.where(wanted > 0, I, 0)
    total = tl.zeros([ROWS, COLUMNS], tl.float32)
    for first in tl.range(0, last, INNER, num_stages=3):
        left_place = tril_kernel_left_from + row * pitch + (first + tl.arange(0, INNER))[None, :]
        left_1 = tl.load(left_place)
        left_2 = tl.load(left_place + left_count)
        left_3 = tl.load(left_place + tl.cast(left_count, tl.int64) * 2)
        right_place = tril_kernel_right_from + column * pitch + (first + tl.arange(0, INNER))[:, None]
        right_1 = tl.load(right_place)
        right_2 = tl.load(right_place + right_count)
        right_3 = tl.load(right_place + tl.cast(right_count, tl.int64) * 2)
        total = dot_of_parts(left_1, left_2, left_3, right_1, right_2, right_3, total)
    mm_1 = total
    at = column
    inside = valid_columns
    valid = valid_rows
    tril_2 = tl.where(tril, mm_1, 0.0)
    tl.store(out_to + k + at * K, tril_2, mask=inside & valid, eviction_policy="evict_first")
