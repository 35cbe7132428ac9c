# /// kerf
# version = 1
# supports = "a.ndim == 2 and a.shape[0] == 512 and a.shape[1] == 4096 and b.ndim == 2 and b.shape[0] == 512 and b.shape[1] == 4096 and b.shape[0] * b.shape[1] < 2147483648"
# [tune]
# THREADS = [512]
# [[scratch]]
# name = "mean_kernel_part1"
# dtype = "f64"
# shape = ["1 * cdiv(b.shape[0] * b.shape[1], cdiv(cdiv(b.shape[0] * b.shape[1], max(1, 528 // 1)), (THREADS * 8)) * (THREADS * 8))", 1]
# [[step]]
# launch = "mean_kernel_pass1"
# grid = ["1 * cdiv(b.shape[0] * b.shape[1], cdiv(cdiv(b.shape[0] * b.shape[1], max(1, 528 // 1)), (THREADS * 8)) * (THREADS * 8))"]
# args = ["cdiv(b.shape[0] * b.shape[1], cdiv(cdiv(b.shape[0] * b.shape[1], max(1, 528 // 1)), (THREADS * 8)) * (THREADS * 8))", "cdiv(cdiv(b.shape[0] * b.shape[1], max(1, 528 // 1)), (THREADS * 8)) * (THREADS * 8)", "b.shape[0] * b.shape[1]", "b", "a", "mean_kernel_part1"]
# constexpr = { BLOCK = "THREADS * 8" }
# num_warps = "THREADS // 32"
# [[step]]
# launch = "mean_kernel"
# grid = [1]
# args = ["cdiv(b.shape[0] * b.shape[1], cdiv(cdiv(b.shape[0] * b.shape[1], max(1, 528 // 1)), (THREADS * 8)) * (THREADS * 8))", "mean_kernel_part1", "f32(b.shape[0] * b.shape[1])", "out"]
# constexpr = { CHUNKS = "next_pow2(cdiv(b.shape[0] * b.shape[1], cdiv(cdiv(b.shape[0] * b.shape[1], max(1, 528 // 1)), (THREADS * 8)) * (THREADS * 8)))" }
# num_warps = "THREADS // 32"
# ///

import triton
import triton.language as tl


# i < b.shape[0] * b.shape[1]: what each program has of pass 1
@triton.jit
def mean_kernel_pass1(chunks, length, I, b_from, a_from, mean_kernel_part1_to, BLOCK: tl.constexpr):
    program = tl.program_id(0)
    row = (program // chunks).to(tl.int64)
    chunk = program % chunks
    begin = chunk * length
    end = tl.minimum(begin + length, I)
    mean_so_far = tl.full([BLOCK], 0.0, tl.float32)
    for first in tl.range(begin, end, BLOCK):
        at = first + tl.arange(0, BLOCK)
        inside = at < end
        b_ = tl.load(b_from + at, mask=inside, eviction_policy="evict_first")
        a_ = tl.load(a_from + at, mask=inside, eviction_policy="evict_first")
        sub = a_ - b_
        pow_1 = sub * sub
        mean_so_far += tl.where(inside, pow_1, 0.0)
    mean = tl.sum(mean_so_far.to(tl.float64), 0)
    tl.store(mean_kernel_part1_to + (row * chunks + chunk) * 1 + 0, mean)


# i < b.shape[0] * b.shape[1]
@triton.jit
def mean_kernel(chunks, mean_kernel_part1_from, mean_count_value, out_to, CHUNKS: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    block = tl.arange(0, CHUNKS)
    there = block < chunks
    mean_of_chunks = tl.load(mean_kernel_part1_from + (row * chunks + block) * 1 + 0, mask=there, other=0.0)
    mean = tl.sum(mean_of_chunks, 0)
    mean_1 = mean / mean_count_value
    tl.store(out_to, mean_1)
