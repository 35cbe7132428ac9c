"""Judging outputs against the fp64 truth, with the error of the working-type reference as the measure (docs/problems.md)."""

import math

import torch

from . import fused

K = 8                 # times the reference's own error
CAP = 4               # times the reference's own error, or the floor: what its error in other samples may count for at most
MEANINGFUL = 1 / 8    # of the largest magnitude: a budget beyond tells little
BLOCK = 4096          # elements of a region
CHUNK = 7 * BLOCK     # elements at a time: they stay in the L2 cache, and PyTorch works off fewer than 32,768 on one
                      # thread, so that a busy core does not hold up hundreds of small parallel loops
PIECE = 1 << 26       # on a GPU, and where what is wrong is looked at closely: temporaries stay small
SMALL = 1e-3          # of a region's magnitude
# Errors that rounding alone explains, in units of the largest magnitude.
FLOOR = {torch.float64: 1e-13, torch.float32: 2e-6, torch.bfloat16: 8e-3, torch.float16: 1e-3}


def layout(tensor):
    """Dimensions from slowest to fastest if the tensor fills its memory without gaps, else None."""
    order = sorted((d for d in range(tensor.dim()) if tensor.shape[d] > 1), key=lambda d: -tensor.stride(d))
    step = 1
    for d in reversed(order):
        if tensor.stride(d) != step:
            return None
        step *= tensor.shape[d]
    return order + [d for d in range(tensor.dim()) if tensor.shape[d] <= 1]


def flat(tensor, order):
    """All elements in the order `order` of dimensions, without a copy where the memory has that order."""
    return tensor.permute(order).reshape(-1) if tensor.dim() else tensor.reshape(1)


class Truth:
    """One output's true values and what the reference in the working type makes of it. `beside`: the output that will be judged first,
    which is then looked at in the same pass over memory. `permitted`: the reference again, rounded as far as it may be; its error counts
    for the budget as the reference's own does, not for whether the problem is sound."""

    def __init__(self, name, true, reference, beside=None, permitted=None):
        self.name, self.dtype, self.shape = name, reference.dtype, list(reference.shape)
        self.order = layout(reference) or list(range(reference.dim()))
        # fp64 even where the model itself narrows within.
        self.exact = not reference.dtype.is_floating_point
        reference = flat(reference, self.order)
        self.reference = self.beside = None
        self.true = flat(true, self.order)
        if self.exact:
            self.true = self.true.to(reference.dtype)
            if not torch.equal(self.true, reference):
                self.reference = reference.clone()
            self.error = self.reference_error = self.scale = 0.0
            self.allowed = 0.0
            self.finite = True
            return
        self.true = self.true.double()
        if beside is not None and fused.available(self.true.device.type):
            regions, others = fused.scan_two(self.true, reference, flat(beside, self.order))
            scan, self.beside = Scan(self.true, reference, regions), Scan(self.true, None, others)
        else:
            scan = Scan(self.true, reference)
        self.finite = scan.finite
        if not scan.finite:  # elements at which even the reference is not finite are nobody's fault
            fine = torch.isfinite(self.true) & torch.isfinite(reference)
            self.reference_bad = ~torch.isfinite(reference)
            error = (reference.double() - self.true).abs_().masked_fill_(~fine, 0.0)
            self.error = float(error.max()) if error.numel() else 0.0
            self.scale = float(self.true.abs().masked_fill_(~fine, 0.0).max()) if error.numel() else 0.0
            self.block_error = torch.full((blocks(self.true.numel()),), self.error, dtype=torch.float64, device=self.true.device)
        else:
            self.error, self.block_error = scan.max_error, scan.block_error
            self.scale, self.block_size = scan.magnitudes()
        error = self.error
        if permitted is not None and scan.finite:
            other = Scan(self.true, flat(permitted, self.order))
            if other.finite:
                error = max(error, other.max_error)
                self.block_error = torch.maximum(self.block_error, other.block_error)
        self.own = error, self.block_error
        self.allow(error, self.block_error)

    def allow(self, error, block_error):
        """Sets the budget: what an element may be off by (`allowed`), and a region in the mean (`block_allowed`)."""
        floor = FLOOR[self.dtype]
        self.reference_error, self.block_error = error, block_error
        self.allowed = max(K * error, floor * self.scale)
        if self.finite:
            # A region of 4,096 elements must be right on average by its own magnitude, too: work that is skipped where
            # values are small would otherwise hide behind the largest one.
            mean = float(self.block_error.mean()) if self.block_error.numel() else 0.0
            # Sums that cancel carry the rounding of what they were: an eighth of what it explains at the largest magnitude is
            # allowed in any region, as long as that is little of the region's own magnitude (docs/decisions.md).
            carried = (SMALL * self.block_size).clamp_(max=floor / 8 * self.scale)
            tail = torch.finfo(self.dtype).eps / 8 * self.scale
            self.block_allowed = torch.maximum(K * self.block_error.clamp(min=mean / 8),
                                               floor * self.block_size) + carried + min(tail, self.allowed)
        else:
            self.block_allowed = torch.full((blocks(self.true.numel()),), math.inf, dtype=torch.float64, device=self.true.device)

    def largest_error(self):
        """The most that further samples of the reference's error can count for. Types of few bits have budgets that are wide enough."""
        if self.exact or not self.finite or self.dtype not in (torch.float32, torch.float64):
            return 0.0
        own = self.own[0]
        return max(own, min(max(CAP * own, FLOOR[self.dtype] * self.scale), MEANINGFUL / K * self.scale))

    def may_permit(self, judged):
        """Whether an output that is wrong could be right if there were further samples."""
        return judged["max_error"] <= K * self.largest_error() and not judged["unwritten"] and not judged["nonfinite"]

    def permit(self, output):
        """Counts the error of another answer that is as good as the reference's."""
        largest = self.largest_error()
        if largest <= self.own[0]:
            return
        sample = Scan(self.true, flat(output, self.order))
        if not sample.finite:
            return
        block_error = self.own[1]
        most = torch.maximum(CAP * block_error.clamp(min=float(block_error.mean())), FLOOR[self.dtype] * self.block_size)
        self.allow(max(self.reference_error, min(sample.max_error, largest)),
                   torch.maximum(self.block_error, torch.minimum(sample.block_error, most)))

    def permit_no_more(self):
        """Back to the reference's own error."""
        if not self.exact:
            self.allow(*self.own)


def blocks(count):
    return (count + BLOCK - 1) // BLOCK


class Scan:
    """Largest error and mean error of every region, in one pass over memory."""

    def __init__(self, true, got, regions=None):
        self.true = true
        if regions is None and not fused.available(true.device.type):
            self.piecewise(got)
            return
        # Both are flat views of whole tensors, without gaps.
        self.regions = fused.scan(true, got) if regions is None else regions
        largest = self.regions.amax(0).tolist() if true.numel() else [0.0] * 5
        self.finite = largest[4] == 0
        self.max_error, self.scale = largest[0] if self.finite else math.inf, largest[2]
        self.block_error = self.mean(self.regions[:, 1])

    def mean(self, sums):
        """Of regions: all are whole but the last."""
        means = sums / BLOCK
        if rest := self.true.numel() % BLOCK:
            means[-1] *= BLOCK / rest
        return means

    def magnitudes(self):
        """(largest one of all true values, the mean one of every region)"""
        if not fused.available(self.true.device.type):
            nothing = Scan(self.true, torch.zeros(1, dtype=torch.float64, device=self.true.device).expand(self.true.numel()))
            return nothing.max_error, nothing.block_error
        return self.scale, self.mean(self.regions[:, 3])

    def piecewise(self, got):
        true = self.true
        count, step = true.numel(), CHUNK if true.device.type == "cpu" else PIECE
        self.block_error = torch.zeros(blocks(count), dtype=torch.float64, device=true.device)
        self.max_error, self.finite = 0.0, True
        buffer = torch.empty(min(count, step), dtype=torch.float64, device=true.device)
        largest = []
        for begin in range(0, count, step):
            end = min(begin + step, count)
            error = buffer[:end - begin]
            error.copy_(got[begin:end])
            error.sub_(true[begin:end]).abs_()
            largest.append(error.amax())
            whole = (end - begin) // BLOCK * BLOCK
            first = begin // BLOCK
            if whole:
                self.block_error[first:first + whole // BLOCK] = error[:whole].view(-1, BLOCK).mean(1)
            if whole < end - begin:
                self.block_error[-1] = error[whole:].mean()
        if largest:
            self.max_error = float(torch.stack(largest).amax())
            self.finite = math.isfinite(self.max_error)


def judge(truth, output, sentinel):
    """What problem/oracle.h calls OutputJudgement, of one output tensor."""
    got = flat(output, truth.order)
    result = {"name": truth.name, "right": True, "max_error": 0.0, "reference_error": truth.reference_error, "scale": truth.scale,
              "allowed": truth.allowed, "wrong": 0, "unwritten": 0, "nonfinite": 0, "first_wrong": [], "box": [],
              "got": 0.0, "expected": 0.0}
    if got.numel() == 0:
        return result
    if truth.exact:
        if torch.equal(got, truth.true):
            return result
        failing = None
    else:
        scan, truth.beside = truth.beside or Scan(truth.true, got), None
        failing = None
        if truth.finite and scan.finite:
            result["max_error"] = scan.max_error
            failing = scan.block_error > truth.block_allowed
            if scan.max_error <= truth.allowed and not bool(failing.any()):
                return result
    look = Look(truth, got, sentinel)
    for begin in range(0, got.numel(), PIECE):
        look.at(begin, min(begin + PIECE, got.numel()), failing)
    return look.into(result)


class Look:
    """Which elements are wrong, piece by piece: how many, where, how."""

    def __init__(self, truth, got, sentinel):
        self.truth, self.got, self.sentinel = truth, got, sentinel
        self.wrong = self.unwritten = self.nonfinite = 0
        self.max_error, self.first, self.low, self.high = 0.0, None, None, None

    def at(self, begin, end, failing):
        wrong, error, nonfinite = self.judged(begin, end, failing)
        self.nonfinite += nonfinite
        if error.numel():
            self.max_error = max(self.max_error, float(error.max()))
        where = wrong.nonzero().flatten()
        if not where.numel():
            return
        self.wrong += int(where.numel())
        self.unwritten += int((unwritten(self.got[begin:end], self.sentinel) & wrong).sum())
        where += begin
        order, shape = self.truth.order, self.truth.shape
        coordinates, rest = [None] * len(order), where
        for d in reversed(order):
            coordinates[d] = rest % shape[d]
            rest = rest // shape[d]
        # The first in the order of indices, which need not be the order of memory.
        key = torch.zeros_like(where)
        for d, extent in enumerate(shape):
            key = key * extent + coordinates[d]
        first = int(key.argmin())
        if self.first is None or int(key[first]) < self.first[0]:
            self.first = int(key[first]), [int(c[first]) for c in coordinates], int(where[first])
        low, high = [int(c.min()) for c in coordinates], [int(c.max()) for c in coordinates]
        self.low = low if self.low is None else [min(p) for p in zip(low, self.low)]
        self.high = high if self.high is None else [max(p) for p in zip(high, self.high)]

    def judged(self, begin, end, failing):
        """(mask of the wrong elements, errors that are finite, how many are not finite and should be)."""
        truth, got, true = self.truth, self.got[begin:end], self.truth.true[begin:end]
        if truth.exact:
            wrong = got != true
            if truth.reference is not None:  # each element is that of one precision or the other
                wrong &= got != truth.reference[begin:end]
            error = (got.double() - true.double()).abs_()
            return wrong, error if bool(wrong.any()) else error[:0], 0
        wide = got.double()
        if failing is not None:
            error = (wide - true).abs_()
            wrong = error > truth.allowed
            piece = slice(begin // BLOCK, (end + BLOCK - 1) // BLOCK)
            if bool(failing[piece].any()):
                limit = truth.block_allowed[piece].repeat_interleave(BLOCK)[:end - begin]
                wrong |= failing[piece].repeat_interleave(BLOCK)[:end - begin] & (error > limit)
            return wrong, error, 0
        same = (wide == true) | (wide.isnan() & true.isnan())
        if not truth.finite:
            same |= truth.reference_bad[begin:end]
        error = (wide - true).abs_().masked_fill_(same, 0.0)
        nonfinite = int((~torch.isfinite(wide) & torch.isfinite(true) & ~same).sum())
        return ~(error <= truth.allowed), error[torch.isfinite(error)], nonfinite

    def into(self, result):
        """Adds counts and places of the wrong elements."""
        result["max_error"], result["nonfinite"] = max(result["max_error"], self.max_error), self.nonfinite
        if self.wrong == 0:
            return result
        result.update(right=False, wrong=self.wrong, unwritten=self.unwritten)
        _, at, index = self.first
        if self.truth.shape:
            result["first_wrong"] = at
            result["box"] = [[low, high] for low, high in zip(self.low, self.high)]
        result["got"], result["expected"] = as_number(self.got[index]), as_number(self.truth.true[index])
        return result


def as_number(element):
    return float(element)


def unwritten(got, sentinel):
    """Elements whose bits are those of the sentinel, an 8-byte pattern that repeats from the tensor's first byte: each of its parts
    counts, wherever it lies."""
    size = got.element_size()
    bits = got.contiguous().view({1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}[size])
    found = torch.zeros(got.shape, dtype=torch.bool, device=got.device)
    for part in range(8 // size):
        piece = (sentinel >> (8 * size * part)) & ((1 << (8 * size)) - 1)
        if size > 1 and piece >= 1 << (8 * size - 1):
            piece -= 1 << (8 * size)
        found |= bits == piece
    return found
