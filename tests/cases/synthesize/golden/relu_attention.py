# /// kerf
# version = 1
# supports = "q.ndim == 4 and q.shape[0] == 8 and q.shape[1] == 12 and q.shape[2] == 1024 and q.shape[3] == 64 and k.ndim == 4 and k.shape[0] == 8 and k.shape[1] == 12 and k.shape[2] == 1024 and k.shape[3] == 64 and v.ndim == 4 and v.shape[0] == 8 and v.shape[1] == 12 and v.shape[2] == 1024 and v.shape[3] == 64 and q.shape[2] < 2147483648 and k.shape[2] < 2147483648 and k.shape[3] < 2147483648 and v.shape[3] < 2147483648 and k.shape[3] + k.shape[2] * k.shape[3] + k.shape[0] * k.shape[1] * k.shape[3] * k.shape[2] < 2147483648 and k.shape[3] + q.shape[2] * k.shape[3] + k.shape[0] * k.shape[1] * k.shape[3] * q.shape[2] < 2147483648 and k.shape[2] + q.shape[2] * k.shape[2] < 2147483648 and v.shape[3] + k.shape[2] * v.shape[3] + k.shape[0] * k.shape[1] * v.shape[3] * k.shape[2] < 2147483648 and v.shape[3] + q.shape[2] * v.shape[3] + k.shape[0] * k.shape[1] * v.shape[3] * q.shape[2] < 2147483648 and k.shape[2] * v.shape[3] < 2147483648"
# [tune]
# THREADS = [128]
# [[step]]
# launch = "out_kernel"
# grid = ["cdiv(q.shape[2], 64) * (k.shape[0] * k.shape[1])"]
# args = ["cdiv(q.shape[2], 64)", "q.shape[2]", "v.shape[3]", "k.shape[3]", "q", "k.shape[3] * q.shape[2]", "k.shape[3]", "k.shape[2]", "seen", "k.shape[2]", "k", "k.shape[3]", "k.shape[3] * k.shape[2]", "v", "v.shape[3] * k.shape[2]", "v.shape[3]", "out"]
# constexpr = { ROWS = 64, COLUMNS = 64, INNER = "max(16, next_pow2(k.shape[3]))", WIDTH = "max(16, next_pow2(v.shape[3]))" }
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


# i < k.shape[2], j < k.shape[3], k < k.shape[0] * k.shape[1], l < q.shape[2], m < v.shape[3]
@triton.jit
def out_kernel(down, L, M, J, q_from, q_stride_k, q_stride_l, I, seen_from, seen_stride_l, k_from, k_stride_i, k_stride_k, v_from, v_stride_k, v_stride_i, out_to, ROWS: tl.constexpr, COLUMNS: tl.constexpr, INNER: tl.constexpr, WIDTH: tl.constexpr):
    program = tl.program_id(0)
    matrix = (program // down).to(tl.int64)
    k = matrix
    tile_row = program % down
    row = (tile_row * ROWS + tl.arange(0, ROWS))[:, None]
    valid_rows = row < L
    l = row
    lane = tl.arange(0, WIDTH)[None, :]
    valid_lanes = lane < M
    query_valid = valid_rows
    query_at = tl.arange(0, INNER)[None, :]
    query_inside = query_at < J
    q_ = tl.load(q_from + k * q_stride_k + l * q_stride_l + query_at, mask=query_inside & query_valid, other=0.0)
    queries = q_
    queries_1, queries_2, queries_3 = three_parts(queries)
    sums = tl.zeros([ROWS, WIDTH], tl.float32)
    last = 0
    for first in tl.range(0, I, COLUMNS, num_stages=2):
        column = (first + tl.arange(0, COLUMNS))[None, :]
        valid_columns = column < I
        i = column
        at = column
        inside = valid_columns
        valid = valid_rows
        seen_ = tl.load(seen_from + l * seen_stride_l + at, mask=inside & valid)
        eq_1 = seen_ == 0.0
        seen = tl.max(tl.where(inside & valid & ((eq_1 == 1) == 0), 1, 0))
        last = tl.where(seen > 0, first + COLUMNS, last)
    last = tl.minimum(last, I)
    for first in tl.range(0, last, COLUMNS, num_stages=2):
        column = (first + tl.arange(0, COLUMNS))[None, :]
        valid_columns = column < I
        i = column
        valid = valid_columns
        at = tl.arange(0, INNER)[:, None]
        inside = at < J
        k_ = tl.load(k_from + i * k_stride_i + k * k_stride_k + at, mask=inside & valid, other=0.0)
        keys = k_
        keys_1, keys_2, keys_3 = three_parts(keys)
        scores_1 = dot_of_parts(queries_1, queries_2, queries_3, keys_1, keys_2, keys_3, tl.zeros([ROWS, COLUMNS], tl.float32))
        at = column
        inside = valid_columns
        valid = valid_rows
        seen_ = tl.load(seen_from + l * seen_stride_l + at, mask=inside & valid)
        eq_1 = seen_ == 0.0
        fill_1 = tl.where(eq_1, -float("inf"), scores_1)
        relu = tl.where(fill_1 < 0.0, 0.0, fill_1)
        weights = tl.where(inside, relu, 0.0)
        valid = valid_lanes
        at = (first + tl.arange(0, COLUMNS))[:, None]
        inside = at < I
        m = lane
        v_ = tl.load(v_from + k * v_stride_k + m + at * v_stride_i, mask=inside & valid, other=0.0)
        values = v_
        weights_1, weights_2, weights_3 = three_parts(weights)
        values_1, values_2, values_3 = three_parts(values)
        sums = dot_of_parts(weights_1, weights_2, weights_3, values_1, values_2, values_3, sums)
    out_1 = sums
    at = lane
    inside = valid_lanes
    valid = valid_rows
    m = lane
    tl.store(out_to + k * L * M + l * M + at, out_1, mask=inside & valid, eviction_policy="evict_first")
