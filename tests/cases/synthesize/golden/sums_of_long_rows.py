# /// kerf
# version = 1
# supports = "a.ndim == 2 and a.shape[0] == 600 and a.shape[1] == 2097152 and a.shape[1] < 2147483648"
# [tune]
# THREADS = [512]
# [[scratch]]
# name = "sum_1_kernel_part1"
# dtype = "f64"
# shape = ["a.shape[0] * cdiv(a.shape[1], cdiv(cdiv(a.shape[1], max(1, 528 // a.shape[0])), (THREADS * 8)) * (THREADS * 8))", 1]
# [[step]]
# launch = "sum_1_kernel_pass1"
# grid = ["a.shape[0] * cdiv(a.shape[1], cdiv(cdiv(a.shape[1], max(1, 528 // a.shape[0])), (THREADS * 8)) * (THREADS * 8))"]
# args = ["cdiv(a.shape[1], cdiv(cdiv(a.shape[1], max(1, 528 // a.shape[0])), (THREADS * 8)) * (THREADS * 8))", "cdiv(cdiv(a.shape[1], max(1, 528 // a.shape[0])), (THREADS * 8)) * (THREADS * 8)", "a.shape[1]", "a", "sum_1_kernel_part1"]
# constexpr = { BLOCK = "THREADS * 8" }
# num_warps = "THREADS // 32"
# [[step]]
# launch = "sum_1_kernel"
# grid = ["a.shape[0]"]
# args = ["cdiv(a.shape[1], cdiv(cdiv(a.shape[1], max(1, 528 // a.shape[0])), (THREADS * 8)) * (THREADS * 8))", "sum_1_kernel_part1", "out"]
# constexpr = { CHUNKS = "next_pow2(cdiv(a.shape[1], cdiv(cdiv(a.shape[1], max(1, 528 // a.shape[0])), (THREADS * 8)) * (THREADS * 8)))" }
# num_warps = "THREADS // 32"
# ///

import triton
import triton.language as tl


# i < a.shape[0], j < a.shape[1]: what each program has of pass 1
@triton.jit
def sum_1_kernel_pass1(chunks, length, J, a_from, sum_1_kernel_part1_to, BLOCK: tl.constexpr):
    program = tl.program_id(0)
    row = (program // chunks).to(tl.int64)
    chunk = program % chunks
    begin = chunk * length
    end = tl.minimum(begin + length, J)
    i = row
    sum_1_so_far = tl.full([BLOCK], 0.0, tl.float32)
    for first in tl.range(begin, end, BLOCK):
        at = first + tl.arange(0, BLOCK)
        inside = at < end
        a_ = tl.load(a_from + i * J + at, mask=inside, eviction_policy="evict_first")
        sum_1_so_far += tl.where(inside, a_, 0.0)
    sum_1 = tl.sum(sum_1_so_far.to(tl.float64), 0)
    tl.store(sum_1_kernel_part1_to + (row * chunks + chunk) * 1 + 0, sum_1)


# i < a.shape[0], j < a.shape[1]
@triton.jit
def sum_1_kernel(chunks, sum_1_kernel_part1_from, out_to, CHUNKS: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    i = row
    block = tl.arange(0, CHUNKS)
    there = block < chunks
    sum_1_of_chunks = tl.load(sum_1_kernel_part1_from + (row * chunks + block) * 1 + 0, mask=there, other=0.0)
    sum_1 = tl.sum(sum_1_of_chunks, 0)
    tl.store(out_to + i, sum_1)
