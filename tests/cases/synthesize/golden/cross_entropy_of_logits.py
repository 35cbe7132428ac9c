# /// kerf
# version = 1
# supports = "x.ndim == 2 and x.shape[0] == 64 and x.shape[1] == 4096 and y.ndim == 2 and y.shape[0] == 64 and y.shape[1] == 4096 and x.shape[0] * x.shape[1] < 2147483648"
# [tune]
# THREADS = [512]
# [[scratch]]
# name = "loss_kernel_part1"
# dtype = "f64"
# shape = ["1 * cdiv(x.shape[0] * x.shape[1], cdiv(cdiv(x.shape[0] * x.shape[1], max(1, 528 // 1)), (THREADS * 8)) * (THREADS * 8))", 1]
# [[step]]
# launch = "loss_kernel_pass1"
# grid = ["1 * cdiv(x.shape[0] * x.shape[1], cdiv(cdiv(x.shape[0] * x.shape[1], max(1, 528 // 1)), (THREADS * 8)) * (THREADS * 8))"]
# args = ["cdiv(x.shape[0] * x.shape[1], cdiv(cdiv(x.shape[0] * x.shape[1], max(1, 528 // 1)), (THREADS * 8)) * (THREADS * 8))", "cdiv(cdiv(x.shape[0] * x.shape[1], max(1, 528 // 1)), (THREADS * 8)) * (THREADS * 8)", "x.shape[0] * x.shape[1]", "x", "y", "loss_kernel_part1"]
# constexpr = { BLOCK = "THREADS * 8" }
# num_warps = "THREADS // 32"
# [[step]]
# launch = "loss_kernel"
# grid = [1]
# args = ["cdiv(x.shape[0] * x.shape[1], cdiv(cdiv(x.shape[0] * x.shape[1], max(1, 528 // 1)), (THREADS * 8)) * (THREADS * 8))", "loss_kernel_part1", "f32(x.shape[0] * x.shape[1])", "out"]
# constexpr = { CHUNKS = "next_pow2(cdiv(x.shape[0] * x.shape[1], cdiv(cdiv(x.shape[0] * x.shape[1], max(1, 528 // 1)), (THREADS * 8)) * (THREADS * 8)))" }
# num_warps = "THREADS // 32"
# ///

import triton
import triton.language as tl


@triton.jit
def log1p(x):
    u = 1.0 + x
    exact = (u == 1.0) | (u == float("inf"))
    return tl.where(exact, tl.where(u == 1.0, x, u), tl.log(u) * (x / tl.where(exact, 1.0, u - 1.0)))


@triton.jit
def softplus(x):
    return tl.where(x > 0.0, x, 0.0) + log1p(tl.exp(-tl.abs(x)))


# i < x.shape[0] * x.shape[1]: what each program has of pass 1
@triton.jit
def loss_kernel_pass1(chunks, length, I, x_from, y_from, loss_kernel_part1_to, BLOCK: tl.constexpr):
    program = tl.program_id(0)
    row = (program // chunks).to(tl.int64)
    chunk = program % chunks
    begin = chunk * length
    end = tl.minimum(begin + length, I)
    loss_7_so_far = tl.full([BLOCK], 0.0, tl.float32)
    for first in tl.range(begin, end, BLOCK):
        at = first + tl.arange(0, BLOCK)
        inside = at < end
        x_ = tl.load(x_from + at, mask=inside, eviction_policy="evict_first")
        y_ = tl.load(y_from + at, mask=inside, eviction_policy="evict_first")
        loss = tl.abs(x_)
        loss_1 = -(loss)
        loss_2 = softplus(loss_1)
        loss_3 = y_ * x_
        loss_4 = tl.where(x_ < 0.0, 0.0, x_)
        loss_5 = loss_4 - loss_3
        loss_6 = loss_5 + loss_2
        loss_7_so_far += tl.where(inside, loss_6, 0.0)
    loss_7 = tl.sum(loss_7_so_far.to(tl.float64), 0)
    tl.store(loss_kernel_part1_to + (row * chunks + chunk) * 1 + 0, loss_7)


# i < x.shape[0] * x.shape[1]
@triton.jit
def loss_kernel(chunks, loss_kernel_part1_from, loss_count_value, out_to, CHUNKS: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    block = tl.arange(0, CHUNKS)
    there = block < chunks
    loss_7_of_chunks = tl.load(loss_kernel_part1_from + (row * chunks + block) * 1 + 0, mask=there, other=0.0)
    loss_7 = tl.sum(loss_7_of_chunks, 0)
    loss_8 = loss_7 / loss_count_value
    tl.store(out_to, loss_8)
