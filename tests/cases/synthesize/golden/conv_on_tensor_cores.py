# /// kerf
# version = 1
# supports = "x.ndim == 4 and x.shape[0] == 16 and x.shape[1] == 64 and x.shape[2] == 128 and x.shape[3] == 128 and x.shape[0] * x.shape[3] * (x.shape[3] - w.shape[3] + 3) < 2147483648 and x.shape[2] < 2147483648 and x.shape[1] * w.shape[2] * w.shape[3] < 2147483648 and w.shape[3] + w.shape[2] * w.shape[3] + x.shape[1] * w.shape[3] * w.shape[2] + x.shape[2] * w.shape[3] * w.shape[2] * x.shape[1] < 2147483648 and 2 * x.shape[3] + x.shape[3] * x.shape[3] + w.shape[2] * x.shape[3] + x.shape[1] * x.shape[2] * x.shape[3] + x.shape[0] * x.shape[2] * x.shape[3] * x.shape[1] + 3 + x.shape[2] * x.shape[3] < 2147483648 and x.shape[3] + x.shape[3] * (x.shape[3] - w.shape[3] + 3) + x.shape[2] * ((x.shape[3] - w.shape[3] + 3) * x.shape[3]) + x.shape[0] * (((x.shape[3] - w.shape[3] + 3) * x.shape[3]) * x.shape[2]) - w.shape[3] + 3 < 2147483648 and w.shape[2] * x.shape[3] < 2147483648 and x.shape[1] * x.shape[2] * x.shape[3] < 2147483648 and w.shape[3] + w.shape[2] * x.shape[3] + x.shape[1] * x.shape[2] * x.shape[3] < 2147483648 and x.shape[2] * ((x.shape[3] - w.shape[3] + 3) * x.shape[3]) < 2147483648"
# [tune]
# THREADS = [256]
# [[step]]
# launch = "relu_kernel"
# grid = ["cdiv(x.shape[0] * x.shape[3] * (x.shape[3] - w.shape[3] + 3), 128) * cdiv(x.shape[2], 128)"]
# args = ["cdiv(x.shape[2], 128)", "cdiv(x.shape[0] * x.shape[3] * (x.shape[3] - w.shape[3] + 3), 128)", "x.shape[0]", "x.shape[3]", "x.shape[3] - w.shape[3] + 3", "x.shape[2]", "x.shape[1]", "w.shape[2]", "w.shape[3]", "x", "x.shape[2] * x.shape[3] * x.shape[1]", "x.shape[2] * x.shape[3]", "w", "w.shape[3] * w.shape[2] * x.shape[1]", "b", "out"]
# constexpr = { ROWS = 128, COLUMNS = 128, INNER = 32 }
# num_warps = "THREADS // 32"
# ///

import triton
import triton.language as tl


@triton.jit
def to_tf32(x):
    bits = x.to(tl.int32, bitcast=True)
    return tl.where(x == x, ((bits + 4096) & -8192).to(tl.float32, bitcast=True), x)


# i < x.shape[1], j < w.shape[2], k < w.shape[3], l < x.shape[0], m < x.shape[2], n < x.shape[3], p < x.shape[3] - w.shape[3] + 3
@triton.jit
def relu_kernel(across, down, L, N, P, M, I, J, K, x_from, x_stride_l, x_stride_i, w_from, w_stride_m, b_from, out_to, ROWS: tl.constexpr, COLUMNS: tl.constexpr, INNER: tl.constexpr):
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
        x_ = tl.load(x_from + l * x_stride_l + n * N + p + -1 + -1 * N + (k + j * N + i * x_stride_i), mask=(p + k + -1 >= 0) & (p + k + -1 < N) & (n + j + -1 >= 0) & (n + j + -1 < M) & inside & valid, other=0.0)
        left = x_
        valid = valid_columns
        at = (first + tl.arange(0, INNER))[:, None]
        inside = at < I * J * K
        w_ = tl.load(w_from + m * w_stride_m + at, mask=inside & valid, other=0.0)
        right = w_
        left = to_tf32(left)
        right = to_tf32(right)
        total = tl.dot(left, right, total, input_precision="tf32")
    conv2d_1 = total
    at = column
    inside = valid_columns
    valid = valid_rows
    b_ = tl.load(b_from + at, mask=inside)
    conv2d_2 = conv2d_1 + b_
    relu = tl.where(conv2d_2 < 0.0, 0.0, conv2d_2)
    tl.store(out_to + l * M * N * P + n * P + p + at * N * P, relu, mask=inside & valid, eviction_policy="evict_first")
