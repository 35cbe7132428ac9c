# /// kerf
# version = 1
# supports = "q.ndim == 4 and q.shape[0] == 8 and q.shape[1] == 12 and q.shape[2] == 1024 and q.shape[3] == 64 and k.ndim == 4 and k.shape[0] == 8 and k.shape[1] == 12 and k.shape[2] == 1024 and k.shape[3] == 64 and v.ndim == 4 and v.shape[0] == 8 and v.shape[1] == 12 and v.shape[2] == 1024 and v.shape[3] == 64 and q.shape[2] < 2147483648 and k.shape[2] < 2147483648 and q.shape[3] < 2147483648 and v.shape[3] < 2147483648 and q.shape[3] + q.shape[2] * q.shape[3] + q.shape[1] * q.shape[3] * q.shape[2] + q.shape[0] * q.shape[3] * q.shape[2] * q.shape[1] < 2147483648 and q.shape[3] + k.shape[2] * q.shape[3] + q.shape[1] * q.shape[3] * k.shape[2] + q.shape[0] * q.shape[3] * k.shape[2] * q.shape[1] < 2147483648 and v.shape[3] + k.shape[2] * v.shape[3] + q.shape[1] * v.shape[3] * k.shape[2] + q.shape[0] * v.shape[3] * k.shape[2] * q.shape[1] < 2147483648 and v.shape[3] + q.shape[1] * v.shape[3] + q.shape[2] * v.shape[3] * q.shape[1] + q.shape[0] * v.shape[3] * q.shape[1] * q.shape[2] < 2147483648 and k.shape[2] * v.shape[3] < 2147483648"
# [tune]
# THREADS = [128]
# [[step]]
# launch = "copy_kernel"
# grid = ["cdiv(q.shape[2], 64) * (q.shape[0] * q.shape[1])"]
# args = ["cdiv(q.shape[2], 64)", "q.shape[1]", "q.shape[2]", "v.shape[3]", "q.shape[3]", "q", "q.shape[3] * q.shape[2] * q.shape[1]", "q.shape[3]", "q.shape[3] * q.shape[2]", "k.shape[2]", "k", "q.shape[3]", "q.shape[3] * k.shape[2] * q.shape[1]", "q.shape[3] * k.shape[2]", "v", "v.shape[3] * k.shape[2] * q.shape[1]", "v.shape[3] * k.shape[2]", "v.shape[3]", "out"]
# constexpr = { ROWS = 64, COLUMNS = 64, INNER = "max(16, next_pow2(q.shape[3]))", WIDTH = "max(16, next_pow2(v.shape[3]))" }
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


# i < q.shape[3], j < k.shape[2], k < q.shape[0], l < q.shape[2], m < q.shape[1], n < v.shape[3]
@triton.jit
def copy_kernel(down, M, L, N, I, q_from, q_stride_k, q_stride_l, q_stride_m, J, k_from, k_stride_j, k_stride_k, k_stride_m, v_from, v_stride_k, v_stride_m, v_stride_j, out_to, ROWS: tl.constexpr, COLUMNS: tl.constexpr, INNER: tl.constexpr, WIDTH: tl.constexpr):
    program = tl.program_id(0)
    matrix = (program // down).to(tl.int64)
    k = matrix // M
    m = matrix % M
    tile_row = down - 1 - program % down
    row = (tile_row * ROWS + tl.arange(0, ROWS))[:, None]
    valid_rows = row < L
    l = row
    lane = tl.arange(0, WIDTH)[None, :]
    valid_lanes = lane < N
    query_valid = valid_rows
    query_at = tl.arange(0, INNER)[None, :]
    query_inside = query_at < I
    q_ = tl.load(q_from + k * q_stride_k + l * q_stride_l + m * q_stride_m + query_at, mask=query_inside & query_valid, other=0.0)
    queries = q_
    queries_1, queries_2, queries_3 = three_parts(queries)
    highest = tl.full([ROWS, 1], -float("inf"), tl.float32)
    total = tl.zeros([ROWS, 1], tl.float32)
    sums = tl.zeros([ROWS, WIDTH], tl.float32)
    last = tl.minimum(J, (tile_row + 1) * ROWS)
    for first in tl.range(0, last, COLUMNS, num_stages=2):
        column = (first + tl.arange(0, COLUMNS))[None, :]
        valid_columns = column < J
        j = column
        valid = valid_columns
        at = tl.arange(0, INNER)[:, None]
        inside = at < I
        k_ = tl.load(k_from + j * k_stride_j + k * k_stride_k + m * k_stride_m + at, mask=inside & valid, other=0.0)
        keys = k_
        keys_1, keys_2, keys_3 = three_parts(keys)
        attended_1 = dot_of_parts(queries_1, queries_2, queries_3, keys_1, keys_2, keys_3, tl.zeros([ROWS, COLUMNS], tl.float32))
        at = column
        inside = valid_columns
        valid = valid_rows
        attended_3 = attended_1 * 0.125
        k_index = l.to(tl.float32)
        k_index_1 = j.to(tl.float32)
        attended_5 = k_index_1 <= k_index
        attended_6 = tl.where(attended_5, attended_3, -float("inf"))
        logits = tl.where(inside, attended_6, -float("inf"))
        top = tl.maximum(highest, tl.max(logits, 1, keep_dims=True))
        level = tl.where(top == -float("inf"), 0.0, top)
        share = tl.exp(highest - level)
        weights = tl.exp(logits - level)
        total = total * share + tl.sum(weights, 1, keep_dims=True)
        highest = top
        valid = valid_lanes
        at = (first + tl.arange(0, COLUMNS))[:, None]
        inside = at < J
        n = lane
        v_ = tl.load(v_from + k * v_stride_k + m * v_stride_m + n + at * v_stride_j, mask=inside & valid, other=0.0)
        values = v_
        weights_1, weights_2, weights_3 = three_parts(weights)
        values_1, values_2, values_3 = three_parts(values)
        sums = dot_of_parts(weights_1, weights_2, weights_3, values_1, values_2, values_3, sums * share)
    attended_17 = sums
    attended_7 = highest
    attended_13 = total
    at = lane
    inside = valid_lanes
    valid = valid_rows
    n = lane
    attended_8 = attended_7 == -float("inf")
    attended_15 = tl.where(attended_8, 1.0, attended_13)
    attended_18 = attended_17 / attended_15
    tl.store(out_to + k * L * M * N + l * M * N + m * N + at, attended_18, mask=inside & valid, eviction_policy="evict_first")
