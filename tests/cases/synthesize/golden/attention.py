# /// kerf
# version = 1
# supports = "q.ndim == 4 and q.shape[0] == 8 and q.shape[1] == 12 and q.shape[2] == 1024 and q.shape[3] == 64 and k.ndim == 4 and k.shape[0] == 8 and k.shape[1] == 12 and k.shape[2] == 1000 and k.shape[3] == 64 and v.ndim == 4 and v.shape[0] == 8 and v.shape[1] == 12 and v.shape[2] == 1000 and v.shape[3] == 48 and bias.ndim == 3 and bias.shape[0] == 12 and bias.shape[1] == 1024 and bias.shape[2] == 1000 and bias.shape[1] < 2147483648 and bias.shape[2] < 2147483648 and q.shape[3] < 2147483648 and v.shape[3] < 2147483648 and bias.shape[2] + bias.shape[1] * bias.shape[2] + bias.shape[0] * bias.shape[2] * bias.shape[1] < 2147483648 and q.shape[3] + bias.shape[1] * q.shape[3] + bias.shape[0] * q.shape[3] * bias.shape[1] + q.shape[0] * q.shape[3] * bias.shape[1] * bias.shape[0] < 2147483648 and q.shape[3] + bias.shape[2] * q.shape[3] + bias.shape[0] * q.shape[3] * bias.shape[2] + q.shape[0] * q.shape[3] * bias.shape[2] * bias.shape[0] < 2147483648 and v.shape[3] + bias.shape[2] * v.shape[3] + bias.shape[0] * v.shape[3] * bias.shape[2] + q.shape[0] * v.shape[3] * bias.shape[2] * bias.shape[0] < 2147483648 and v.shape[3] + bias.shape[1] * v.shape[3] + bias.shape[0] * v.shape[3] * bias.shape[1] + q.shape[0] * v.shape[3] * bias.shape[1] * bias.shape[0] < 2147483648 and bias.shape[2] * v.shape[3] < 2147483648"
# [tune]
# THREADS = [128]
# [[step]]
# launch = "relu_kernel"
# grid = ["cdiv(bias.shape[1], 64) * (q.shape[0] * bias.shape[0])"]
# args = ["cdiv(bias.shape[1], 64)", "bias.shape[0]", "bias.shape[1]", "v.shape[3]", "q.shape[3]", "q", "q.shape[3] * bias.shape[1] * bias.shape[0]", "q.shape[3] * bias.shape[1]", "q.shape[3]", "bias.shape[2]", "k", "q.shape[3]", "q.shape[3] * bias.shape[2] * bias.shape[0]", "q.shape[3] * bias.shape[2]", "bias", "bias.shape[2] * bias.shape[1]", "bias.shape[2]", "v", "v.shape[3] * bias.shape[2] * bias.shape[0]", "v.shape[3] * bias.shape[2]", "v.shape[3]", "out"]
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


# i < bias.shape[2], j < q.shape[3], k < q.shape[0], l < bias.shape[0], m < bias.shape[1], n < v.shape[3]
@triton.jit
def relu_kernel(down, L, M, N, J, q_from, q_stride_k, q_stride_l, q_stride_m, I, k_from, k_stride_i, k_stride_k, k_stride_l, bias_from, bias_stride_l, bias_stride_m, v_from, v_stride_k, v_stride_l, v_stride_i, out_to, ROWS: tl.constexpr, COLUMNS: tl.constexpr, INNER: tl.constexpr, WIDTH: tl.constexpr):
    program = tl.program_id(0)
    matrix = (program // down).to(tl.int64)
    k = matrix // L
    l = matrix % L
    tile_row = program % down
    row = (tile_row * ROWS + tl.arange(0, ROWS))[:, None]
    valid_rows = row < M
    m = row
    lane = tl.arange(0, WIDTH)[None, :]
    valid_lanes = lane < N
    query_valid = valid_rows
    query_at = tl.arange(0, INNER)[None, :]
    query_inside = query_at < J
    q_ = tl.load(q_from + k * q_stride_k + l * q_stride_l + m * q_stride_m + query_at, mask=query_inside & query_valid, other=0.0)
    queries = q_
    queries_1, queries_2, queries_3 = three_parts(queries)
    highest = tl.full([ROWS, 1], -float("inf"), tl.float32)
    total = tl.zeros([ROWS, 1], tl.float32)
    sums = tl.zeros([ROWS, WIDTH], tl.float32)
    for first in tl.range(0, I, COLUMNS, num_stages=2):
        column = (first + tl.arange(0, COLUMNS))[None, :]
        valid_columns = column < I
        i = column
        valid = valid_columns
        at = tl.arange(0, INNER)[:, None]
        inside = at < J
        k_ = tl.load(k_from + i * k_stride_i + k * k_stride_k + l * k_stride_l + at, mask=inside & valid, other=0.0)
        keys = k_
        keys_1, keys_2, keys_3 = three_parts(keys)
        attended_1 = dot_of_parts(queries_1, queries_2, queries_3, keys_1, keys_2, keys_3, tl.zeros([ROWS, COLUMNS], tl.float32))
        at = column
        inside = valid_columns
        valid = valid_rows
        bias = tl.load(bias_from + l * bias_stride_l + m * bias_stride_m + at, mask=inside & valid)
        mask_1 = bias * 0.5
        attended_3 = attended_1 * 0.125
        attended_4 = attended_3 + mask_1
        logits = tl.where(inside, attended_4, -float("inf"))
        top = tl.maximum(highest, tl.max(logits, 1, keep_dims=True))
        level = tl.where(top == -float("inf"), 0.0, top)
        share = tl.exp(highest - level)
        weights = tl.exp(logits - level)
        total = total * share + tl.sum(weights, 1, keep_dims=True)
        highest = top
        valid = valid_lanes
        at = (first + tl.arange(0, COLUMNS))[:, None]
        inside = at < I
        n = lane
        v_ = tl.load(v_from + k * v_stride_k + l * v_stride_l + n + at * v_stride_i, mask=inside & valid, other=0.0)
        values = v_
        weights_1, weights_2, weights_3 = three_parts(weights)
        values_1, values_2, values_3 = three_parts(values)
        sums = dot_of_parts(weights_1, weights_2, weights_3, values_1, values_2, values_3, sums * share)
    attended_16 = sums
    attended_5 = highest
    attended_12 = total
    at = lane
    inside = valid_lanes
    valid = valid_rows
    n = lane
    attended_7 = attended_5 == -float("inf")
    attended_14 = tl.where(attended_7, 1.0, attended_12)
    attended_17 = attended_16 / attended_14
    relu = tl.where(attended_17 < 0.0, 0.0, attended_17)
    tl.store(out_to + k * L * M * N + l * M * N + m * N + at, relu, mask=inside & valid, eviction_policy="evict_first")
