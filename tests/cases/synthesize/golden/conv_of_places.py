# /// kerf
# version = 1
# supports = "x.ndim == 4 and x.shape[0] == 16 and x.shape[1] == 64 and x.shape[2] == 128 and x.shape[3] == 128 and x.shape[1] * x.shape[3] * x.shape[2] < 2147483648 and w.shape[1] * w.shape[3] * w.shape[2] < 2147483648 and (x.shape[0] == 16 and x.shape[1] == 64 and x.shape[2] == 128 and x.shape[3] == 128)"
# [tune]
# THREADS1 = [256]
# THREADS2 = [256]
# THREADS3 = [128]
# [[scratch]]
# name = "conv_input"
# dtype = "f32"
# shape = ["x.shape[0]", "x.shape[2]", "x.shape[3]", "x.shape[1]"]
# [[scratch]]
# name = "conv_weight_input"
# dtype = "f32"
# shape = ["w.shape[0]", "w.shape[2]", "w.shape[3]", "w.shape[1]"]
# [[step]]
# launch = "conv_input_kernel"
# grid = ["cdiv(x.shape[2] * x.shape[3], 32) * cdiv(x.shape[1], 64) * x.shape[0]"]
# args = ["cdiv(x.shape[2] * x.shape[3], 32)", "cdiv(x.shape[1], 64)", "x.shape[2] * x.shape[3]", "x.shape[1]", "x", "x.shape[3] * x.shape[2]", "conv_input"]
# constexpr = { ROWS = 32, BLOCK = 64 }
# num_warps = "THREADS1 // 32"
# [[step]]
# launch = "conv_weight_input_kernel"
# grid = ["cdiv(w.shape[2] * w.shape[3], 16) * cdiv(w.shape[1], 64) * w.shape[0]"]
# args = ["cdiv(w.shape[2] * w.shape[3], 16)", "cdiv(w.shape[1], 64)", "w.shape[2] * w.shape[3]", "w.shape[1]", "w", "w.shape[3] * w.shape[2]", "conv_weight_input"]
# constexpr = { ROWS = 16, BLOCK = 64 }
# num_warps = "THREADS2 // 32"
# [[step]]
# launch = "relu_kernel"
# grid = ["cdiv(conv_input.shape[0] * conv_input.shape[2] * (conv_input.shape[2] - conv_weight_input.shape[2] + 3), 128) * cdiv(conv_input.shape[1], 128)"]
# args = ["cdiv(conv_input.shape[1], 128)", "cdiv(conv_input.shape[0] * conv_input.shape[2] * (conv_input.shape[2] - conv_weight_input.shape[2] + 3), 128)", "conv_input.shape[0]", "conv_input.shape[2]", "conv_input.shape[2] - conv_weight_input.shape[2] + 3", "conv_input.shape[1]", "conv_input", "conv_input.shape[1] * conv_input.shape[2] * conv_input.shape[3]", "conv_input.shape[2] * conv_input.shape[3]", "conv_weight_input", "conv_input.shape[3] * conv_weight_input.shape[2] * conv_weight_input.shape[1]", "b", "out"]
# constexpr = { ROWS = 128, COLUMNS = 128, INNER = 32, I = "conv_weight_input.shape[1]", J = "conv_weight_input.shape[2]", K = "conv_input.shape[3]" }
# num_warps = "THREADS3 // 32"
# ///

import triton
import triton.language as tl


@triton.jit
def to_tf32(x):
    bits = x.to(tl.int32, bitcast=True)
    return tl.where(x == x, ((bits + 4096) & -8192).to(tl.float32, bitcast=True), x)


# i < x.shape[0], j < x.shape[2] * x.shape[3], k < x.shape[1]
@triton.jit
def conv_input_kernel(strips, pieces, J, K, x_from, x_stride_k, out_to, ROWS: tl.constexpr, BLOCK: tl.constexpr):
    program = tl.program_id(0)
    strip = (program % strips).to(tl.int64)
    piece = (program // strips % pieces).to(tl.int64)
    row = (program // strips // pieces).to(tl.int64)
    i = row
    j = (strip * ROWS + tl.arange(0, ROWS))[:, None]
    valid = j < J
    begin = piece * BLOCK
    at = (begin + tl.arange(0, BLOCK))[None, :]
    inside = at < K
    x_ = tl.load(x_from + i * J * K + j + at * x_stride_k, mask=inside & valid, eviction_policy="evict_first")
    conv_rounded = to_tf32(x_)
    tl.store(out_to + i * J * K + j * K + at, conv_rounded, mask=inside & valid, eviction_policy="evict_first")


# i < w.shape[0], j < w.shape[2] * w.shape[3], k < w.shape[1]
@triton.jit
def conv_weight_input_kernel(strips, pieces, J, K, w_from, w_stride_k, out_to, ROWS: tl.constexpr, BLOCK: tl.constexpr):
    program = tl.program_id(0)
    strip = (program % strips).to(tl.int64)
    piece = (program // strips % pieces).to(tl.int64)
    row = (program // strips // pieces).to(tl.int64)
    i = row
    j = (strip * ROWS + tl.arange(0, ROWS))[:, None]
    valid = j < J
    begin = piece * BLOCK
    at = (begin + tl.arange(0, BLOCK))[None, :]
    inside = at < K
    w_ = tl.load(w_from + i * J * K + j + at * w_stride_k, mask=inside & valid)
    conv_weight_rounded = to_tf32(w_)
    tl.store(out_to + i * J * K + j * K + at, conv_weight_rounded, mask=inside & valid)


# i < conv_weight_input.shape[1], j < conv_weight_input.shape[2], k < conv_input.shape[3], l < conv_input.shape[0], m < conv_input.shape[1], n < conv_input.shape[2], p < conv_input.shape[2] - conv_weight_input.shape[2] + 3
@triton.jit
def relu_kernel(across, down, L, N, P, M, conv_input_from, conv_input_stride_l, conv_input_stride_n, conv_weight_input_from, conv_weight_input_stride_m, b_from, out_to, ROWS: tl.constexpr, COLUMNS: tl.constexpr, INNER: tl.constexpr, I: tl.constexpr, J: tl.constexpr, K: tl.constexpr):
    program = tl.program_id(0)
    first_row = program // (8 * across) * 8
    height = tl.minimum(down - first_row, 8)
    within = program % (8 * across)
    tile_row = first_row + within % height
    tile_column = within // height
    row = (tile_row * ROWS + tl.arange(0, ROWS))[:, None]
    column = (tile_column * COLUMNS + tl.arange(0, COLUMNS))[None, :]
    valid_rows = row < L * N * P
    valid_columns = column < M
    l = row // (N * P)
    n = row // P % N
    p = row % P
    m = column
    total = tl.zeros([ROWS, COLUMNS], tl.float32)
    for first in tl.range(0, I * J * K, INNER, num_stages=3):
        valid = valid_rows
        at = (first + tl.arange(0, INNER))[None, :]
        inside = at < I * J * K
        i = at // (J * K)
        j = at // K % J
        k = at % K
        conv_input = tl.load(conv_input_from + l * conv_input_stride_l + n * conv_input_stride_n + p * K + -1 * K + -1 * conv_input_stride_n + (k + j * K + i * conv_input_stride_n), mask=(p + j + -1 >= 0) & (p + j + -1 < N) & (n + i + -1 >= 0) & (n + i + -1 < M) & inside & valid, other=0.0)
        left = conv_input
        valid = valid_columns
        at = (first + tl.arange(0, INNER))[:, None]
        inside = at < I * J * K
        conv_weight_input = tl.load(conv_weight_input_from + m * conv_weight_input_stride_m + at, mask=inside & valid, other=0.0)
        right = conv_weight_input
        total = tl.dot(left, right, total, input_precision="tf32")
    conv_1 = total
    at = column
    inside = valid_columns
    valid = valid_rows
    b_ = tl.load(b_from + at, mask=inside)
    conv_2 = conv_1 + b_
    relu = tl.where(conv_2 < 0.0, 0.0, conv_2)
    tl.store(out_to + l * M * N * P + n * P + p + at * N * P, relu, mask=inside & valid, eviction_policy="evict_first")
