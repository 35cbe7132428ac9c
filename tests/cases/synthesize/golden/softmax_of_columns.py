# /// kerf
# version = 1
# supports = "x.ndim == 3 and x.shape[0] == 2 and x.shape[1] == 4096 and x.shape[2] == 24 and x.shape[1] < 2147483648 and x.shape[1] * x.shape[2] < 2147483648"
# [tune]
# THREADS = [256]
# [[scratch]]
# name = "s_kernel_part1"
# dtype = "f64"
# shape = ["x.shape[0] * cdiv(x.shape[1], 128)", 2, "x.shape[2]"]
# [[scratch]]
# name = "s_kernel_joined1"
# dtype = "f64"
# shape = ["x.shape[0]", 2, "x.shape[2]"]
# [[step]]
# launch = "s_kernel_pass1"
# grid = ["s_kernel_part1.shape[0] * cdiv(x.shape[2], 32)"]
# args = [128, "x.shape[2]", "x.shape[1]", "x", "s_kernel_part1"]
# constexpr = { BLOCK = 128, COLUMNS = 32 }
# num_warps = "THREADS // 32"
# [[step]]
# launch = "s_kernel_join1"
# grid = ["x.shape[0] * cdiv(x.shape[2], 16)"]
# args = ["x.shape[2]", 128, "x.shape[1]", "s_kernel_part1", "s_kernel_joined1"]
# constexpr = { COLUMNS = 16, CHUNKS = "next_pow2(cdiv(x.shape[1], 128))" }
# num_warps = "THREADS // 32"
# [[step]]
# launch = "s_kernel"
# grid = ["s_kernel_part1.shape[0] * cdiv(x.shape[2], 32)"]
# args = [128, "x.shape[2]", "x.shape[1]", "s_kernel_joined1", "x", "out"]
# constexpr = { BLOCK = 128, COLUMNS = 32 }
# num_warps = "THREADS // 32"
# ///

import triton
import triton.language as tl


@triton.jit
def greater(a, b):  # NaN if either is
    return tl.maximum(a, b, propagate_nan=tl.PropagateNan.ALL)


@triton.jit
def join_exponentials(top, total, other, more):  # largest values, sums of exp(value - largest)
    highest = greater(top, other)
    level = tl.where(highest == -float("inf"), 0.0, highest)
    return highest, total * tl.exp(top - level) + more * tl.exp(other - level)


# i < x.shape[0], j < x.shape[1], k < x.shape[2]: what each program has of pass 1
@triton.jit
def s_kernel_pass1(length, K, J, x_from, s_kernel_part1_to, BLOCK: tl.constexpr, COLUMNS: tl.constexpr):
    pieces = tl.cdiv(K, COLUMNS)
    chunks = tl.cdiv(J, length)
    program = tl.program_id(0)
    chunk = program // pieces % chunks
    row = (program // pieces // chunks).to(tl.int64)
    begin = chunk * length
    end = tl.minimum(begin + length, J)
    k = ((program % pieces).to(tl.int64) * COLUMNS + tl.arange(0, COLUMNS))[None, :]
    valid = k < K
    i = row
    exponentials_1_top_so_far = tl.full([BLOCK, COLUMNS], -float("inf"), tl.float32)
    exponentials_1_total_so_far = tl.zeros([BLOCK, COLUMNS], tl.float32)
    for first in tl.range(begin, end, BLOCK, num_stages=3):
        at = (first + tl.arange(0, BLOCK))[:, None]
        inside = at < end
        x_ = tl.load(x_from + i * J * K + k + at * K, mask=inside & valid, eviction_policy="evict_first")
        exponentials_1_top_so_far, exponentials_1_total_so_far = join_exponentials(exponentials_1_top_so_far, exponentials_1_total_so_far, tl.where(inside, x_, -float("inf")), 1.0)
    exponentials_1_top, exponentials_1_total = tl.reduce((exponentials_1_top_so_far, exponentials_1_total_so_far.to(tl.float64)), 0, join_exponentials, keep_dims=True)
    tl.store(s_kernel_part1_to + ((row * chunks + chunk) * 2 + 0) * K + k, exponentials_1_top, mask=valid)
    tl.store(s_kernel_part1_to + ((row * chunks + chunk) * 2 + 1) * K + k, exponentials_1_total, mask=valid)


# i < x.shape[0], j < x.shape[1], k < x.shape[2]: what pass 1 comes to
@triton.jit
def s_kernel_join1(K, length, J, s_kernel_part1_from, s_kernel_joined1_to, COLUMNS: tl.constexpr, CHUNKS: tl.constexpr):
    pieces = tl.cdiv(K, COLUMNS)
    program = tl.program_id(0)
    row = (program // pieces).to(tl.int64)
    k = ((program % pieces).to(tl.int64) * COLUMNS + tl.arange(0, COLUMNS))[None, :]
    valid = k < K
    i = row
    chunks = tl.cdiv(J, length)
    block = tl.arange(0, CHUNKS)[:, None]
    there = (block < chunks) & valid
    exponentials_1_top_of_chunks = tl.load(s_kernel_part1_from + ((row * chunks + block) * 2 + 0) * K + k, mask=there, other=-float("inf")).to(tl.float32)
    exponentials_1_total_of_chunks = tl.load(s_kernel_part1_from + ((row * chunks + block) * 2 + 1) * K + k, mask=there, other=0.0)
    exponentials_1_top, exponentials_1_total = tl.reduce((exponentials_1_top_of_chunks, exponentials_1_total_of_chunks), 0, join_exponentials, keep_dims=True)
    tl.store(s_kernel_joined1_to + (row * 2 + 0) * K + k, exponentials_1_top, mask=valid)
    tl.store(s_kernel_joined1_to + (row * 2 + 1) * K + k, exponentials_1_total, mask=valid)


# i < x.shape[0], j < x.shape[1], k < x.shape[2]
@triton.jit
def s_kernel(length, K, J, s_kernel_joined1_from, x_from, out_to, BLOCK: tl.constexpr, COLUMNS: tl.constexpr):
    pieces = tl.cdiv(K, COLUMNS)
    chunks = tl.cdiv(J, length)
    program = tl.program_id(0)
    chunk = program // pieces % chunks
    row = (program // pieces // chunks).to(tl.int64)
    begin = chunk * length
    end = tl.minimum(begin + length, J)
    k = ((program % pieces).to(tl.int64) * COLUMNS + tl.arange(0, COLUMNS))[None, :]
    valid = k < K
    i = row
    exponentials_1_top = tl.load(s_kernel_joined1_from + (row * 2 + 0) * K + k, mask=valid, other=0.0).to(tl.float32)
    exponentials_1_total = tl.load(s_kernel_joined1_from + (row * 2 + 1) * K + k, mask=valid, other=0.0)
    s_ = exponentials_1_top
    s_3 = tl.where(exponentials_1_top == -float("inf"), float("nan"), exponentials_1_total)
    s_4 = 1.0 / s_3
    for first in tl.range(begin, end, BLOCK, num_stages=3):
        at = (first + tl.arange(0, BLOCK))[:, None]
        inside = at < end
        x_ = tl.load(x_from + i * J * K + k + at * K, mask=inside & valid, eviction_policy="evict_first")
        s_1 = x_ - s_
        s_2 = tl.exp(s_1)
        s_5 = s_2 * s_4.to(tl.float32)
        tl.store(out_to + i * J * K + k + at * K, s_5, mask=inside & valid, eviction_policy="evict_first")
