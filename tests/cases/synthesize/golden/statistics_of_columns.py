# /// kerf
# version = 1
# supports = "x.ndim == 4 and x.shape[0] == 8 and x.shape[1] == 40 and x.shape[2] == 40 and x.shape[3] == 48 and x.shape[0] * x.shape[1] * x.shape[2] < 2147483648 and x.shape[0] * x.shape[1] * x.shape[2] * x.shape[3] < 2147483648"
# [tune]
# THREADS = [256]
# [[scratch]]
# name = "w_kernel_part1"
# dtype = "f64"
# shape = ["cdiv((x.shape[0] * x.shape[1] * x.shape[2]), 64)", 3, "x.shape[3]"]
# [[scratch]]
# name = "w_kernel_joined1"
# dtype = "f64"
# shape = [1, 3, "x.shape[3]"]
# [[step]]
# launch = "w_kernel_pass1"
# grid = ["w_kernel_part1.shape[0] * cdiv(x.shape[3], 64)"]
# args = [64, "x.shape[3]", "x.shape[0] * x.shape[1] * x.shape[2]", "weight", "x", "w_kernel_part1"]
# constexpr = { BLOCK = 64, COLUMNS = 64 }
# num_warps = "THREADS // 32"
# [[step]]
# launch = "w_kernel_join1"
# grid = ["cdiv(x.shape[3], 16)"]
# args = ["x.shape[3]", 64, "x.shape[0] * x.shape[1] * x.shape[2]", "w_kernel_part1", "w_kernel_joined1"]
# constexpr = { COLUMNS = 16, CHUNKS = "next_pow2(w_kernel_part1.shape[0])" }
# num_warps = "THREADS // 32"
# [[step]]
# launch = "w_kernel"
# grid = ["w_kernel_part1.shape[0] * cdiv(x.shape[3], 64)"]
# args = [64, "x.shape[3]", "x.shape[0] * x.shape[1] * x.shape[2]", "weight", "w_kernel_joined1", "f32(x.shape[0] * x.shape[1] * x.shape[2])", "x", "out"]
# constexpr = { BLOCK = 64, COLUMNS = 64 }
# num_warps = "THREADS // 32"
# ///

import triton
import triton.language as tl


@triton.jit
def join_moments(n, mean, squares, m, other, more):  # counts, means, sums of squares of deviations from them
    both = n + m
    share = tl.where(both > 0, m / tl.where(both > 0, both, 1.0), 0.0)
    apart = other - mean
    return both, mean + apart * share, squares + more + apart * apart * n * share


# i < x.shape[0] * x.shape[1] * x.shape[2], j < x.shape[3]: what each program has of pass 1
@triton.jit
def w_kernel_pass1(length, J, I, weight_from, x_from, w_kernel_part1_to, BLOCK: tl.constexpr, COLUMNS: tl.constexpr):
    pieces = tl.cdiv(J, COLUMNS)
    chunks = tl.cdiv(I, length)
    program = tl.program_id(0)
    chunk = program // pieces % chunks
    begin = chunk * length
    end = tl.minimum(begin + length, I)
    j = ((program % pieces).to(tl.int64) * COLUMNS + tl.arange(0, COLUMNS))[None, :]
    valid = j < J
    weight = tl.load(weight_from + j, mask=valid)
    moments_1_count_so_far = tl.zeros([BLOCK, COLUMNS], tl.float32)
    moments_1_mean_so_far = tl.zeros([BLOCK, COLUMNS], tl.float32)
    moments_1_squares_so_far = tl.zeros([BLOCK, COLUMNS], tl.float32)
    for first in tl.range(begin, end, BLOCK, num_stages=3):
        at = (first + tl.arange(0, BLOCK))[:, None]
        inside = at < end
        x_ = tl.load(x_from + j + at * J, mask=inside & valid, eviction_policy="evict_first")
        moments_1_count_so_far += tl.where(inside, 1.0, 0.0)
        apart = x_ - moments_1_mean_so_far
        share = 1.0 / tl.cast((first - begin) // BLOCK + 1, tl.float32)
        moments_1_mean_so_far += tl.where(inside, apart * share, 0.0)
        moments_1_squares_so_far += tl.where(inside, apart * (x_ - moments_1_mean_so_far), 0.0)
    moments_1_count, moments_1_mean, moments_1_squares = tl.reduce((moments_1_count_so_far.to(tl.float64), moments_1_mean_so_far.to(tl.float64), moments_1_squares_so_far.to(tl.float64)), 0, join_moments, keep_dims=True)
    tl.store(w_kernel_part1_to + (chunk.to(tl.int64) * 3 + 0) * J + j, moments_1_count, mask=valid)
    tl.store(w_kernel_part1_to + (chunk.to(tl.int64) * 3 + 1) * J + j, moments_1_mean, mask=valid)
    tl.store(w_kernel_part1_to + (chunk.to(tl.int64) * 3 + 2) * J + j, moments_1_squares, mask=valid)


# i < x.shape[0] * x.shape[1] * x.shape[2], j < x.shape[3]: what pass 1 comes to
@triton.jit
def w_kernel_join1(J, length, I, w_kernel_part1_from, w_kernel_joined1_to, COLUMNS: tl.constexpr, CHUNKS: tl.constexpr):
    pieces = tl.cdiv(J, COLUMNS)
    program = tl.program_id(0)
    j = ((program % pieces).to(tl.int64) * COLUMNS + tl.arange(0, COLUMNS))[None, :]
    valid = j < J
    chunks = tl.cdiv(I, length)
    block = tl.arange(0, CHUNKS)[:, None]
    there = (block < chunks) & valid
    moments_1_count_of_chunks = tl.load(w_kernel_part1_from + (block.to(tl.int64) * 3 + 0) * J + j, mask=there, other=0.0)
    moments_1_mean_of_chunks = tl.load(w_kernel_part1_from + (block.to(tl.int64) * 3 + 1) * J + j, mask=there, other=0.0)
    moments_1_squares_of_chunks = tl.load(w_kernel_part1_from + (block.to(tl.int64) * 3 + 2) * J + j, mask=there, other=0.0)
    moments_1_count, moments_1_mean, moments_1_squares = tl.reduce((moments_1_count_of_chunks, moments_1_mean_of_chunks, moments_1_squares_of_chunks), 0, join_moments, keep_dims=True)
    tl.store(w_kernel_joined1_to + 0 * J + j, moments_1_count, mask=valid)
    tl.store(w_kernel_joined1_to + 1 * J + j, moments_1_mean, mask=valid)
    tl.store(w_kernel_joined1_to + 2 * J + j, moments_1_squares, mask=valid)


# i < x.shape[0] * x.shape[1] * x.shape[2], j < x.shape[3]
@triton.jit
def w_kernel(length, J, I, weight_from, w_kernel_joined1_from, m_count_value, x_from, out_to, BLOCK: tl.constexpr, COLUMNS: tl.constexpr):
    pieces = tl.cdiv(J, COLUMNS)
    chunks = tl.cdiv(I, length)
    program = tl.program_id(0)
    chunk = program // pieces % chunks
    begin = chunk * length
    end = tl.minimum(begin + length, I)
    j = ((program % pieces).to(tl.int64) * COLUMNS + tl.arange(0, COLUMNS))[None, :]
    valid = j < J
    weight = tl.load(weight_from + j, mask=valid)
    moments_1_count = tl.load(w_kernel_joined1_from + 0 * J + j, mask=valid, other=0.0)
    moments_1_mean = tl.load(w_kernel_joined1_from + 1 * J + j, mask=valid, other=0.0)
    moments_1_squares = tl.load(w_kernel_joined1_from + 2 * J + j, mask=valid, other=0.0)
    m_ = moments_1_mean * moments_1_count
    v_ = moments_1_squares
    m_1 = m_ / m_count_value
    v_1 = v_ / m_count_value
    e_1 = v_1 + 1e-05
    s_ = 1.0 / tl.sqrt_rn(e_1.to(tl.float32))
    for first in tl.range(begin, end, BLOCK, num_stages=3):
        at = (first + tl.arange(0, BLOCK))[:, None]
        inside = at < end
        x_ = tl.load(x_from + j + at * J, mask=inside & valid, eviction_policy="evict_first")
        d_ = x_ - m_1.to(tl.float32)
        n_ = d_ * s_
        w_ = n_ * weight
        tl.store(out_to + j + at * J, w_, mask=inside & valid, eviction_policy="evict_first")
