# /// kerf
# version = 1
# supports = "x.ndim == 4 and x.shape[0] == 4 and x.shape[1] == 64 and x.shape[2] == 64 and x.shape[3] == 64 and x.shape[1] * x.shape[2] * x.shape[3] < 2147483648"
# [tune]
# THREADS = [512]
# [[scratch]]
# name = "layer_norm_kernel_part1"
# dtype = "f64"
# shape = ["x.shape[0] * cdiv(x.shape[1] * x.shape[2] * x.shape[3], cdiv(cdiv(x.shape[1] * x.shape[2] * x.shape[3], max(1, 528 // x.shape[0])), (THREADS * 8)) * (THREADS * 8))", 3]
# [[step]]
# launch = "layer_norm_kernel_pass1"
# grid = ["x.shape[0] * cdiv(x.shape[1] * x.shape[2] * x.shape[3], cdiv(cdiv(x.shape[1] * x.shape[2] * x.shape[3], max(1, 528 // x.shape[0])), (THREADS * 8)) * (THREADS * 8))"]
# args = ["cdiv(x.shape[1] * x.shape[2] * x.shape[3], cdiv(cdiv(x.shape[1] * x.shape[2] * x.shape[3], max(1, 528 // x.shape[0])), (THREADS * 8)) * (THREADS * 8))", "cdiv(cdiv(x.shape[1] * x.shape[2] * x.shape[3], max(1, 528 // x.shape[0])), (THREADS * 8)) * (THREADS * 8)", "x.shape[1] * x.shape[2] * x.shape[3]", "x", "layer_norm_kernel_part1"]
# constexpr = { BLOCK = "THREADS * 8" }
# num_warps = "THREADS // 32"
# [[step]]
# launch = "layer_norm_kernel"
# grid = ["x.shape[0] * cdiv(x.shape[1] * x.shape[2] * x.shape[3], cdiv(cdiv(x.shape[1] * x.shape[2] * x.shape[3], max(1, 528 // x.shape[0])), (THREADS * 8)) * (THREADS * 8))"]
# args = ["cdiv(x.shape[1] * x.shape[2] * x.shape[3], cdiv(cdiv(x.shape[1] * x.shape[2] * x.shape[3], max(1, 528 // x.shape[0])), (THREADS * 8)) * (THREADS * 8))", "cdiv(cdiv(x.shape[1] * x.shape[2] * x.shape[3], max(1, 528 // x.shape[0])), (THREADS * 8)) * (THREADS * 8)", "x.shape[1] * x.shape[2] * x.shape[3]", "layer_norm_kernel_part1", "f32(x.shape[1] * x.shape[2] * x.shape[3])", "x", "w", "b", "out"]
# constexpr = { BLOCK = "THREADS * 8", CHUNKS = "next_pow2(cdiv(x.shape[1] * x.shape[2] * x.shape[3], cdiv(cdiv(x.shape[1] * x.shape[2] * x.shape[3], max(1, 528 // x.shape[0])), (THREADS * 8)) * (THREADS * 8)))" }
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


# i < x.shape[0], j < x.shape[1] * x.shape[2] * x.shape[3]: what each program has of pass 1
@triton.jit
def layer_norm_kernel_pass1(chunks, length, J, x_from, layer_norm_kernel_part1_to, BLOCK: tl.constexpr):
    program = tl.program_id(0)
    row = (program // chunks).to(tl.int64)
    chunk = program % chunks
    begin = chunk * length
    end = tl.minimum(begin + length, J)
    i = row
    moments_1_count_so_far = tl.zeros([BLOCK], tl.float32)
    moments_1_mean_so_far = tl.zeros([BLOCK], tl.float32)
    moments_1_squares_so_far = tl.zeros([BLOCK], tl.float32)
    for first in tl.range(begin, end, BLOCK, num_stages=3):
        at = first + tl.arange(0, BLOCK)
        inside = at < end
        x_ = tl.load(x_from + i * J + at, mask=inside, eviction_policy="evict_first")
        moments_1_count_so_far += tl.where(inside, 1.0, 0.0)
        apart = x_ - moments_1_mean_so_far
        share = 1.0 / tl.cast((first - begin) // BLOCK + 1, tl.float32)
        moments_1_mean_so_far += tl.where(inside, apart * share, 0.0)
        moments_1_squares_so_far += tl.where(inside, apart * (x_ - moments_1_mean_so_far), 0.0)
    moments_1_count, moments_1_mean, moments_1_squares = tl.reduce((moments_1_count_so_far.to(tl.float64), moments_1_mean_so_far.to(tl.float64), moments_1_squares_so_far.to(tl.float64)), 0, join_moments)
    tl.store(layer_norm_kernel_part1_to + (row * chunks + chunk) * 3 + 0, moments_1_count)
    tl.store(layer_norm_kernel_part1_to + (row * chunks + chunk) * 3 + 1, moments_1_mean)
    tl.store(layer_norm_kernel_part1_to + (row * chunks + chunk) * 3 + 2, moments_1_squares)


# i < x.shape[0], j < x.shape[1] * x.shape[2] * x.shape[3]
@triton.jit
def layer_norm_kernel(chunks, length, J, layer_norm_kernel_part1_from, layer_norm_count_value, x_from, w_from, b_from, out_to, BLOCK: tl.constexpr, CHUNKS: tl.constexpr):
    program = tl.program_id(0)
    row = (program // chunks).to(tl.int64)
    chunk = program % chunks
    begin = chunk * length
    end = tl.minimum(begin + length, J)
    i = row
    block = tl.arange(0, CHUNKS)
    there = block < chunks
    moments_1_count_of_chunks = tl.load(layer_norm_kernel_part1_from + (row * chunks + block) * 3 + 0, mask=there, other=0.0)
    moments_1_mean_of_chunks = tl.load(layer_norm_kernel_part1_from + (row * chunks + block) * 3 + 1, mask=there, other=0.0)
    moments_1_squares_of_chunks = tl.load(layer_norm_kernel_part1_from + (row * chunks + block) * 3 + 2, mask=there, other=0.0)
    moments_1_count, moments_1_mean, moments_1_squares = tl.reduce((moments_1_count_of_chunks, moments_1_mean_of_chunks, moments_1_squares_of_chunks), 0, join_moments)
    layer_norm_1 = moments_1_mean * moments_1_count
    layer_norm_5 = moments_1_squares
    layer_norm_2 = layer_norm_1 / layer_norm_count_value
    layer_norm_6 = layer_norm_5 / layer_norm_count_value
    layer_norm_7 = layer_norm_6 + 1e-05
    layer_norm_8 = 1.0 / tl.sqrt_rn(layer_norm_7.to(tl.float32))
    for first in tl.range(begin, end, BLOCK, num_stages=3):
        at = first + tl.arange(0, BLOCK)
        inside = at < end
        x_ = tl.load(x_from + i * J + at, mask=inside, eviction_policy="evict_first")
        layer_norm_3 = x_ - layer_norm_2.to(tl.float32)
        layer_norm_9 = layer_norm_3 * layer_norm_8
        w_ = tl.load(w_from + at, mask=inside)
        layer_norm_10 = layer_norm_9 * w_
        b_ = tl.load(b_from + at, mask=inside)
        layer_norm_11 = layer_norm_10 + b_
        tl.store(out_to + i * J + at, layer_norm_11, mask=inside, eviction_policy="evict_first")
