# /// kerf
# version = 1
# supports = "x.ndim == 2 and x.shape[0] == 2 and x.shape[1] == 300000 and x.shape[1] < 2147483648"
# [tune]
# THREADS = [256]
# [[scratch]]
# name = "sums_kernel_part"
# dtype = "f64"
# shape = ["(x.shape[0]) * cdiv(x.shape[1], cdiv(cdiv(x.shape[1], max(1, 1056 // (x.shape[0]))), (THREADS * 32)) * (THREADS * 32))", 1]
# [[step]]
# launch = "sums_kernel_pieces"
# grid = ["(x.shape[0]) * cdiv(x.shape[1], cdiv(cdiv(x.shape[1], max(1, 1056 // (x.shape[0]))), (THREADS * 32)) * (THREADS * 32))"]
# args = ["x.shape[1]", "cdiv(x.shape[1], cdiv(cdiv(x.shape[1], max(1, 1056 // (x.shape[0]))), (THREADS * 32)) * (THREADS * 32))", "cdiv(cdiv(x.shape[1], max(1, 1056 // (x.shape[0]))), (THREADS * 32)) * (THREADS * 32)", "x", "sums_kernel_part"]
# constexpr = { BLOCK = "THREADS * 32" }
# num_warps = "THREADS // 32"
# [[step]]
# launch = "sums_kernel"
# grid = ["(x.shape[0]) * cdiv(x.shape[1], cdiv(cdiv(x.shape[1], max(1, 1056 // (x.shape[0]))), (THREADS * 32)) * (THREADS * 32))"]
# args = ["x.shape[1]", "cdiv(x.shape[1], cdiv(cdiv(x.shape[1], max(1, 1056 // (x.shape[0]))), (THREADS * 32)) * (THREADS * 32))", "cdiv(cdiv(x.shape[1], max(1, 1056 // (x.shape[0]))), (THREADS * 32)) * (THREADS * 32)", "sums_kernel_part", "x", "out"]
# constexpr = { BLOCK = "THREADS * 32", CHUNKS = "next_pow2(cdiv(x.shape[1], cdiv(cdiv(x.shape[1], max(1, 1056 // (x.shape[0]))), (THREADS * 32)) * (THREADS * 32)))" }
# num_warps = "THREADS // 32"
# ///

import triton
import triton.language as tl


# i < x.shape[0], j < x.shape[1]: what each piece of a row comes to
@triton.jit
def sums_kernel_pieces(J, chunks, length, x_from, sums_kernel_part_to, BLOCK: tl.constexpr):
    program = tl.program_id(0)
    row = (program // chunks).to(tl.int64)
    chunk = program % chunks
    begin = chunk * length
    end = tl.minimum(begin + length, J)
    i = row
    sums__so_far = tl.full((), 0.0, tl.float64)
    for first in tl.range(begin, end, BLOCK):
        at = first + tl.arange(0, BLOCK)
        inside = at < end
        x_ = tl.load(x_from + i * J + at, mask=inside)
        sums__so_far = sums__so_far + tl.sum(tl.where(inside, x_, 0.0).to(tl.float64), 0)
    tl.store(sums_kernel_part_to + (row * chunks + chunk) * 1 + 0, sums__so_far)


# i < x.shape[0], j < x.shape[1]
@triton.jit
def sums_kernel(J, chunks, length, sums_kernel_part_from, x_from, out_to, BLOCK: tl.constexpr, CHUNKS: tl.constexpr):
    program = tl.program_id(0)
    row = (program // chunks).to(tl.int64)
    chunk = program % chunks
    begin = chunk * length
    end = tl.minimum(begin + length, J)
    i = row
    block = tl.arange(0, CHUNKS)
    there = block < chunk
    sums__so_far = tl.sum(tl.load(sums_kernel_part_from + (row * chunks + block) * 1 + 0, mask=there, other=0.0), 0)
    for first in tl.range(begin, end, BLOCK):
        at = first + tl.arange(0, BLOCK)
        inside = at < end
        x_ = tl.load(x_from + i * J + at, mask=inside, eviction_policy="evict_first")
        sums__up_to = sums__so_far + tl.cumsum(tl.where(inside, x_, 0.0).to(tl.float64), 0, reverse=False)
        sums__so_far = tl.sum(tl.where(at == first + (BLOCK - 1), sums__up_to, 0.0), 0)
        sums_ = sums__up_to.to(tl.float32)
        tl.store(out_to + i * J + at, sums_, mask=inside, eviction_policy="evict_first")
