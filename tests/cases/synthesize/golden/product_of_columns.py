# /// kerf
# version = 1
# supports = "a.ndim == 2 and a.shape[0] == 4096 and a.shape[1] == 512 and b.ndim == 2 and b.shape[0] == 4096 and b.shape[1] == 768 and a.shape[1] < 2147483648 and b.shape[1] < 2147483648 and a.shape[0] < 2147483648 and a.shape[1] + a.shape[0] * a.shape[1] < 2147483648 and b.shape[1] + a.shape[0] * b.shape[1] < 2147483648 and b.shape[1] + a.shape[1] * b.shape[1] < 2147483648 and 8 * a.shape[1] * b.shape[1] < 2147483648"
# [tune]
# THREADS = [256]
# [[scratch]]
# name = "mm_kernel_part"
# dtype = "f32"
# shape = [8, "a.shape[1] * b.shape[1]"]
# [[step]]
# launch = "mm_kernel_pieces"
# grid = ["cdiv(a.shape[1], 128) * cdiv(b.shape[1], 128) * 8"]
# args = ["cdiv(b.shape[1], 128)", "cdiv(a.shape[1], 128)", "a.shape[1]", "b.shape[1]", "a.shape[0]", "cdiv(cdiv(a.shape[0], 8), 32) * 32", "a", "b", "mm_kernel_part"]
# constexpr = { ROWS = 128, COLUMNS = 128, INNER = 32 }
# num_warps = "THREADS // 32"
# [[step]]
# launch = "mm_kernel"
# grid = ["cdiv(a.shape[1], 4) * cdiv(b.shape[1], 128)"]
# args = ["cdiv(b.shape[1], 128)", "a.shape[1]", "b.shape[1]", "mm_kernel_part", "out"]
# constexpr = { ROWS = 4, COLUMNS = 128 }
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


# i < a.shape[0], j < a.shape[1], k < b.shape[1]: sums of pieces
@triton.jit
def mm_kernel_pieces(across, down, J, K, I, length, a_from, b_from, mm_kernel_part_to, ROWS: tl.constexpr, COLUMNS: tl.constexpr, INNER: tl.constexpr):
    program = tl.program_id(0)
    tiles = down * across
    piece = program // tiles
    tile = program % tiles
    first_row = tile // (8 * across) * 8
    height = tl.minimum(down - first_row, 8)
    within = tile % (8 * across)
    tile_row = first_row + within % height
    tile_column = within // height
    row = (tile_row * ROWS + tl.arange(0, ROWS))[:, None]
    column = (tile_column * COLUMNS + tl.arange(0, COLUMNS))[None, :]
    valid_rows = row < J
    valid_columns = column < K
    j = row
    k = column
    begin = piece * length
    end = tl.minimum(begin + length, I)
    total = tl.zeros([ROWS, COLUMNS], tl.float32)
    for first in tl.range(begin, end, INNER, num_stages=3):
        valid = valid_rows
        at = (first + tl.arange(0, INNER))[None, :]
        inside = at < end
        a_ = tl.load(a_from + j + at * J, mask=inside & valid, other=0.0)
        left = a_
        valid = valid_columns
        at = (first + tl.arange(0, INNER))[:, None]
        inside = at < end
        b_ = tl.load(b_from + k + at * K, mask=inside & valid, other=0.0)
        right = b_
        left_1, left_2, left_3 = three_parts(left)
        right_1, right_2, right_3 = three_parts(right)
        total = dot_of_parts(left_1, left_2, left_3, right_1, right_2, right_3, total)
    tl.store(mm_kernel_part_to + (piece.to(tl.int64) * J + row) * K + column, total, mask=valid_rows & valid_columns)


# i < a.shape[0], j < a.shape[1], k < b.shape[1]
@triton.jit
def mm_kernel(across, J, K, mm_kernel_part_from, out_to, ROWS: tl.constexpr, COLUMNS: tl.constexpr):
    program = tl.program_id(0)
    tile_row = program // across
    tile_column = program % across
    row = (tile_row * ROWS + tl.arange(0, ROWS))[:, None]
    column = (tile_column * COLUMNS + tl.arange(0, COLUMNS))[None, :]
    valid_rows = row < J
    valid_columns = column < K
    j = row
    k = column
    sums = tl.zeros([ROWS, COLUMNS], tl.float64)
    for piece in tl.range(0, 8):
        sums += tl.load(mm_kernel_part_from + (tl.cast(piece, tl.int64) * J + row) * K + column, mask=valid_rows & valid_columns, other=0.0)
    mm_1 = sums.to(tl.float32)
    at = column
    inside = valid_columns
    valid = valid_rows
    tl.store(out_to + j * K + at, mm_1, mask=inside & valid, eviction_policy="evict_first")
