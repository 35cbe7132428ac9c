"""What judging on a GPU does to every element, in one pass over memory each: Triton comes with PyTorch's CUDA builds. judge.py and
device.py hold the same in PyTorch's operators, for machines without it."""

import functools

import torch

from . import errors

try:
    import triton
    import triton.language as tl
except ImportError:
    triton = None

REGION = 4096   # judge.BLOCK
WORDS = 4096    # of a program of `digest`


@functools.lru_cache(maxsize=None)
def why_not(device_type):
    """Why PyTorch's operators judge instead, or None. Compiled once a process; a machine may have Triton, but no C compiler for what
    launches its kernels."""
    if device_type != "cuda":
        return "not on a GPU"
    if triton is None:
        return "no Triton"
    try:
        probe = torch.zeros(2, dtype=torch.float64, device=device_type)
        scan(probe, probe)
        return None
    except Exception as error:  # whatever Triton's compiler raises
        return f"{type(error).__name__}: {errors.one_line(error)}"


def available(device_type):
    return why_not(device_type) is None


if triton is not None:

    @triton.jit
    def scan_kernel(true, got, count, regions, size: tl.constexpr):
        """Of each region: largest error, sum of errors, largest and summed magnitude, how many errors are not finite."""
        region = tl.program_id(0).to(tl.int64)
        at = region * size + tl.arange(0, size)
        inside = at < count
        right = tl.load(true + at, mask=inside, other=0.0)
        error = tl.abs(tl.load(got + at, mask=inside, other=0.0).to(tl.float64) - right)
        magnitude = tl.abs(right)
        into = regions + region * 5
        tl.store(into, tl.max(error, 0))
        tl.store(into + 1, tl.sum(error, 0))
        tl.store(into + 2, tl.max(magnitude, 0))
        tl.store(into + 3, tl.sum(magnitude, 0))
        tl.store(into + 4, tl.sum(tl.where(error < float("inf"), 0.0, 1.0), 0))

    @triton.jit
    def scan_two_kernel(true, first, second, count, of_first, of_second, size: tl.constexpr):
        """scan_kernel of two at once: the true values are the larger part of what is read."""
        region = tl.program_id(0).to(tl.int64)
        at = region * size + tl.arange(0, size)
        inside = at < count
        right = tl.load(true + at, mask=inside, other=0.0)
        magnitude = tl.abs(right)
        largest, sum = tl.max(magnitude, 0), tl.sum(magnitude, 0)
        error = tl.abs(tl.load(first + at, mask=inside, other=0.0).to(tl.float64) - right)
        into = of_first + region * 5
        tl.store(into, tl.max(error, 0))
        tl.store(into + 1, tl.sum(error, 0))
        tl.store(into + 2, largest)
        tl.store(into + 3, sum)
        tl.store(into + 4, tl.sum(tl.where(error < float("inf"), 0.0, 1.0), 0))
        error = tl.abs(tl.load(second + at, mask=inside, other=0.0).to(tl.float64) - right)
        into = of_second + region * 5
        tl.store(into, tl.max(error, 0))
        tl.store(into + 1, tl.sum(error, 0))
        tl.store(into + 2, largest)
        tl.store(into + 3, sum)
        tl.store(into + 4, tl.sum(tl.where(error < float("inf"), 0.0, 1.0), 0))

    @triton.jit(do_not_specialize=["add", "times", "again"])
    def digest_kernel(words, begin, count, add, times, again, mix, sums, size: tl.constexpr):
        piece = tl.program_id(0).to(tl.int64)
        at = piece * size + tl.arange(0, size)
        inside = at < count
        mixed = (tl.load(words + at, mask=inside, other=0) ^ ((begin + at) * mix + add)) * times
        mixed = (mixed ^ (mixed >> 32)) * again
        tl.store(sums + piece, tl.sum(tl.where(inside, mixed, 0), 0))


def scan(true, got):
    """(regions, 5): see scan_kernel; `true` in double precision and `got` are flat and without gaps."""
    count = true.numel()
    true, got = true.contiguous(), got.contiguous()  # one value for all elements has no strides
    regions = torch.empty((-(-count // REGION), 5), dtype=torch.float64, device=true.device)
    if count:
        scan_kernel[(regions.shape[0],)](true, got, count, regions, size=REGION, num_warps=8)
    return regions


def scan_two(true, first, second):
    """scan() of each of the two."""
    count = true.numel()
    true, first, second = true.contiguous(), first.contiguous(), second.contiguous()
    of_first, of_second = (torch.empty((-(-count // REGION), 5), dtype=torch.float64, device=true.device) for _ in range(2))
    if count:
        scan_two_kernel[(of_first.shape[0],)](true, first, second, count, of_first, of_second, size=REGION, num_warps=8)
    return of_first, of_second


def digest(words, keys, mix):
    """device.Memory.digest."""
    sums = torch.empty(-(-words.numel() // WORDS), dtype=torch.int64, device=words.device)
    digest_kernel[(sums.numel(),)](words, 0, words.numel(), *keys, mix, sums, size=WORDS, num_warps=8)
    return sums.sum()
