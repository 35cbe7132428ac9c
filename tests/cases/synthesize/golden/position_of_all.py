# /// kerf
# version = 1
# supports = "x.ndim == 2 and x.shape[0] == 64 and x.shape[1] == 300 and x.shape[0] * x.shape[1] < 2147483648"
# [tune]
# THREADS1 = [512]
# THREADS2 = [512]
# [[scratch]]
# name = "at_kernel_part1"
# dtype = "f64"
# shape = ["1 * cdiv(x.shape[0] * x.shape[1], cdiv(cdiv(x.shape[0] * x.shape[1], max(1, 528 // 1)), (THREADS1 * 8)) * (THREADS1 * 8))", 1]
# [[scratch]]
# name = "at_kernel_part2"
# dtype = "f64"
# shape = ["1 * cdiv(x.shape[0] * x.shape[1], cdiv(cdiv(x.shape[0] * x.shape[1], max(1, 528 // 1)), (THREADS1 * 8)) * (THREADS1 * 8))", 1]
# [[scratch]]
# name = "count_kernel_part1"
# dtype = "f64"
# shape = ["1 * cdiv(x.shape[0] * x.shape[1], cdiv(cdiv(x.shape[0] * x.shape[1], max(1, 528 // 1)), (THREADS2 * 8)) * (THREADS2 * 8))", 1]
# [[step]]
# launch = "at_kernel_pass1"
# grid = ["1 * cdiv(x.shape[0] * x.shape[1], cdiv(cdiv(x.shape[0] * x.shape[1], max(1, 528 // 1)), (THREADS1 * 8)) * (THREADS1 * 8))"]
# args = ["cdiv(x.shape[0] * x.shape[1], cdiv(cdiv(x.shape[0] * x.shape[1], max(1, 528 // 1)), (THREADS1 * 8)) * (THREADS1 * 8))", "cdiv(cdiv(x.shape[0] * x.shape[1], max(1, 528 // 1)), (THREADS1 * 8)) * (THREADS1 * 8)", "x.shape[0]", "x.shape[1]", "f32(x.shape[0])", "x", "at_kernel_part1"]
# constexpr = { BLOCK = "THREADS1 * 8" }
# num_warps = "THREADS1 // 32"
# [[step]]
# launch = "at_kernel_pass2"
# grid = ["1 * cdiv(x.shape[0] * x.shape[1], cdiv(cdiv(x.shape[0] * x.shape[1], max(1, 528 // 1)), (THREADS1 * 8)) * (THREADS1 * 8))"]
# args = ["cdiv(x.shape[0] * x.shape[1], cdiv(cdiv(x.shape[0] * x.shape[1], max(1, 528 // 1)), (THREADS1 * 8)) * (THREADS1 * 8))", "cdiv(cdiv(x.shape[0] * x.shape[1], max(1, 528 // 1)), (THREADS1 * 8)) * (THREADS1 * 8)", "x.shape[0]", "x.shape[1]", "f32(x.shape[0])", "at_kernel_part1", "x", "f32(x.shape[1])", "at_kernel_part2"]
# constexpr = { BLOCK = "THREADS1 * 8", CHUNKS = "next_pow2(cdiv(x.shape[0] * x.shape[1], cdiv(cdiv(x.shape[0] * x.shape[1], max(1, 528 // 1)), (THREADS1 * 8)) * (THREADS1 * 8)))", LONG = "min(1, (x.shape[1]) // (THREADS1 * 8))" }
# num_warps = "THREADS1 // 32"
# [[step]]
# launch = "at_kernel"
# grid = [1]
# args = ["cdiv(x.shape[0] * x.shape[1], cdiv(cdiv(x.shape[0] * x.shape[1], max(1, 528 // 1)), (THREADS1 * 8)) * (THREADS1 * 8))", "f32(x.shape[0])", "at_kernel_part1", "at_kernel_part2", "out0"]
# constexpr = { CHUNKS = "next_pow2(cdiv(x.shape[0] * x.shape[1], cdiv(cdiv(x.shape[0] * x.shape[1], max(1, 528 // 1)), (THREADS1 * 8)) * (THREADS1 * 8)))" }
# num_warps = "THREADS1 // 32"
# [[step]]
# launch = "count_kernel_pass1"
# grid = ["1 * cdiv(x.shape[0] * x.shape[1], cdiv(cdiv(x.shape[0] * x.shape[1], max(1, 528 // 1)), (THREADS2 * 8)) * (THREADS2 * 8))"]
# args = ["cdiv(x.shape[0] * x.shape[1], cdiv(cdiv(x.shape[0] * x.shape[1], max(1, 528 // 1)), (THREADS2 * 8)) * (THREADS2 * 8))", "cdiv(cdiv(x.shape[0] * x.shape[1], max(1, 528 // 1)), (THREADS2 * 8)) * (THREADS2 * 8)", "x.shape[0] * x.shape[1]", "x", "count_kernel_part1"]
# constexpr = { BLOCK = "THREADS2 * 8" }
# num_warps = "THREADS2 // 32"
# [[step]]
# launch = "count_kernel"
# grid = [1]
# args = ["cdiv(x.shape[0] * x.shape[1], cdiv(cdiv(x.shape[0] * x.shape[1], max(1, 528 // 1)), (THREADS2 * 8)) * (THREADS2 * 8))", "count_kernel_part1", "out1"]
# constexpr = { CHUNKS = "next_pow2(cdiv(x.shape[0] * x.shape[1], cdiv(cdiv(x.shape[0] * x.shape[1], max(1, 528 // 1)), (THREADS2 * 8)) * (THREADS2 * 8)))" }
# num_warps = "THREADS2 // 32"
# ///

import triton
import triton.language as tl


@triton.jit
def greater(a, b):  # NaN if either is
    return tl.maximum(a, b, propagate_nan=tl.PropagateNan.ALL)


@triton.jit
def smaller(a, b):  # NaN if either is
    return tl.minimum(a, b, propagate_nan=tl.PropagateNan.ALL)


# i < x.shape[0], j < x.shape[1]: what each program has of pass 1
@triton.jit
def at_kernel_pass1(chunks, length, I, J, at_count_value, x_from, at_kernel_part1_to, BLOCK: tl.constexpr):
    program = tl.program_id(0)
    row = (program // chunks).to(tl.int64)
    chunk = program % chunks
    begin = chunk * length
    end = tl.minimum(begin + length, I * J)
    at_1 = 0.0 * at_count_value
    at_5_so_far = tl.full([BLOCK], -float("inf"), tl.float32)
    for first in tl.range(begin, end, BLOCK):
        at = first + tl.arange(0, BLOCK)
        inside = at < end
        x_ = tl.load(x_from + at, mask=inside)
        at_5_so_far = greater(at_5_so_far, tl.where(inside, x_, -float("inf")))
    at_5 = tl.reduce(at_5_so_far, 0, greater)
    tl.store(at_kernel_part1_to + (row * chunks + chunk) * 1 + 0, at_5)


# i < x.shape[0], j < x.shape[1]: what each program has of pass 2
@triton.jit
def at_kernel_pass2(chunks, length, I, J, at_count_value, at_kernel_part1_from, x_from, at_count_1_value, at_kernel_part2_to, BLOCK: tl.constexpr, CHUNKS: tl.constexpr, LONG: tl.constexpr):
    program = tl.program_id(0)
    row = (program // chunks).to(tl.int64)
    chunk = program % chunks
    begin = chunk * length
    end = tl.minimum(begin + length, I * J)
    at_1 = 0.0 * at_count_value
    block = tl.arange(0, CHUNKS)
    there = block < chunks
    at_5_of_chunks = tl.load(at_kernel_part1_from + (row * chunks + block) * 1 + 0, mask=there, other=-float("inf")).to(tl.float32)
    at_5 = tl.reduce(at_5_of_chunks, 0, greater)
    at_11_so_far = tl.full([BLOCK], float("inf"), tl.float32)
    for first in tl.range(begin, end, BLOCK):
        at = first + tl.arange(0, BLOCK)
        inside = at < end
        if LONG:  # a tile has positions of two at most
            i = first // J
            j = at - i * J
            i += (j >= J).to(tl.int32)
            j = tl.where(j >= J, j - J, j)
        else:
            i = at // J
            j = at % J
        x_ = tl.load(x_from + at, mask=inside)
        i_index = i.to(tl.float32)
        at_2 = at_1 + i_index
        j_index = j.to(tl.float32)
        at_3 = at_2 * at_count_1_value
        at_4 = at_3 + j_index
        at_7 = x_ != x_
        at_8 = x_ == at_5
        at_9 = at_8 | at_7
        at_10 = tl.where(at_9, at_4, float("inf"))
        at_11_so_far = smaller(at_11_so_far, tl.where(inside, at_10, float("inf")))
    at_11 = tl.reduce(at_11_so_far, 0, smaller)
    tl.store(at_kernel_part2_to + (row * chunks + chunk) * 1 + 0, at_11)


# i < x.shape[0], j < x.shape[1]
@triton.jit
def at_kernel(chunks, at_count_value, at_kernel_part1_from, at_kernel_part2_from, out_to, CHUNKS: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    at_1 = 0.0 * at_count_value
    block = tl.arange(0, CHUNKS)
    there = block < chunks
    at_5_of_chunks = tl.load(at_kernel_part1_from + (row * chunks + block) * 1 + 0, mask=there, other=-float("inf")).to(tl.float32)
    at_5 = tl.reduce(at_5_of_chunks, 0, greater)
    at_11_of_chunks = tl.load(at_kernel_part2_from + (row * chunks + block) * 1 + 0, mask=there, other=float("inf")).to(tl.float32)
    at_11 = tl.reduce(at_11_of_chunks, 0, smaller)
    tl.store(out_to, at_11)


# i < x.shape[0] * x.shape[1]: what each program has of pass 1
@triton.jit
def count_kernel_pass1(chunks, length, I, x_from, count_kernel_part1_to, BLOCK: tl.constexpr):
    program = tl.program_id(0)
    row = (program // chunks).to(tl.int64)
    chunk = program % chunks
    begin = chunk * length
    end = tl.minimum(begin + length, I)
    count_3_so_far = tl.full([BLOCK], 0.0, tl.float32)
    for first in tl.range(begin, end, BLOCK):
        at = first + tl.arange(0, BLOCK)
        inside = at < end
        x_ = tl.load(x_from + at, mask=inside)
        count_1 = x_ != 0.0
        count_2 = tl.where(count_1, 1.0, 0.0)
        count_3_so_far += tl.where(inside, count_2, 0.0)
    count_3 = tl.sum(count_3_so_far.to(tl.float64), 0)
    tl.store(count_kernel_part1_to + (row * chunks + chunk) * 1 + 0, count_3)


# i < x.shape[0] * x.shape[1]
@triton.jit
def count_kernel(chunks, count_kernel_part1_from, out_to, CHUNKS: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    block = tl.arange(0, CHUNKS)
    there = block < chunks
    count_3_of_chunks = tl.load(count_kernel_part1_from + (row * chunks + block) * 1 + 0, mask=there, other=0.0)
    count_3 = tl.sum(count_3_of_chunks, 0)
    tl.store(out_to, count_3)
