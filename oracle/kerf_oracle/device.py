"""Memory of a GPU that others may open: allocated through the driver, because PyTorch's allocator hands out pieces of larger blocks,
and an IPC handle is one of a whole block."""

import ctypes
import functools
import secrets

import torch

from . import errors, fused
from .layout import TORCH

MARGIN = 1 << 16      # bytes around each tensor
ALIGNMENT = 256
PAGE = 1 << 21        # bytes of the GPU's large pages
PIECE = 1 << 26       # 64-bit words at a time
MIX = 0x9E3779B97F4A7C15 - (1 << 64)  # odd: multiplication by it loses nothing


@functools.lru_cache(maxsize=None)
def driver():
    try:
        return ctypes.CDLL("libcuda.so.1")
    except OSError as error:
        raise errors.Refusal("unavailable", f"NVIDIA's driver cannot be loaded: {error}") from None


def check(code, what):
    if code != 0:
        name = ctypes.c_char_p()
        driver().cuGetErrorName(code, ctypes.byref(name))
        text = (name.value or b"?").decode()
        if code == 2:  # CUDA_ERROR_OUT_OF_MEMORY
            raise errors.user(f"out of memory on the GPU ({what}); make the problem smaller with --set NAME=VALUE")
        raise errors.Refusal("system", f"{what} fails: {text}")


class Holder:
    """What torch.as_tensor takes for memory that is there already."""

    def __init__(self, pointer, size):
        self.__cuda_array_interface__ = {"shape": (size,), "typestr": "|u1", "data": (pointer, False), "version": 3}


def place(tensors):
    """(bytes in all, offset of each): every tensor between margins."""
    at, offsets = 0, []
    for each in tensors:
        at = -(-(at + MARGIN) // ALIGNMENT) * ALIGNMENT
        offsets.append(at)
        at += extent(each)
    return -(-(at + MARGIN) // ALIGNMENT) * ALIGNMENT, offsets


def dense(placed):
    """Whether a tensor's elements fill its memory, each once, in whatever order of dimensions."""
    reach = 1
    for stride, n in sorted(zip(placed["stride"], placed["shape"])):
        if n > 1 and stride != reach:
            return False
        reach *= n
    return reach > 0


def extent(placed):
    """Bytes from a tensor's first element to behind its last."""
    if 0 in placed["shape"]:
        return 0
    reach = 1 + sum((n - 1) * s for n, s in zip(placed["shape"], placed["stride"]))
    return reach * torch.empty(0, dtype=TORCH[placed["dtype"]]).element_size()


def signed(word):
    return word - (1 << 64) if word >= 1 << 63 else word


def whole_pages(size):
    """What to allocate for `size` bytes. A process that opens memory which ends within a large page has all of it mapped in small ones,
    and kernels that go through it in large steps wait for translations of addresses (docs/decisions.md, "Memory in whole pages")."""
    return -(-size // PAGE) * PAGE


class Block:
    """What was allocated; `size` is what was asked for."""

    def __init__(self, size, device):
        self.size, self.device = size, device
        torch.empty(1, device=device)  # PyTorch's context is the current one of this thread from here on
        self.pointer = ctypes.c_ulonglong()
        # What PyTorch keeps for later is of no use to anybody else.
        allocated = ctypes.c_size_t(whole_pages(size))
        code = driver().cuMemAlloc_v2(ctypes.byref(self.pointer), allocated)
        if code != 0:
            torch.cuda.empty_cache()
            check(driver().cuMemAlloc_v2(ctypes.byref(self.pointer), allocated), f"allocating {size} bytes")
        handle = (ctypes.c_ubyte * 64)()
        check(driver().cuIpcGetMemHandle(handle, self.pointer), "sharing memory of the GPU")
        self.handle = bytes(handle).hex()

    def free(self):
        if self.pointer.value:
            torch.cuda.synchronize(self.device)
            driver().cuMemFree_v2(self.pointer)
            self.pointer = ctypes.c_ulonglong()

    def __del__(self):
        try:
            self.free()
        except Exception:  # the interpreter is ending
            pass


class Spares:
    """Blocks that nobody uses. The next memory of their size is theirs: a runner opens gigabytes in some 30 ms, and may have them open
    still, which is why they are not freed before kerf says so."""

    def __init__(self):
        self.blocks = []

    def __len__(self):
        return len(self.blocks)

    def size(self):
        return sum(block.size for block in self.blocks)

    def give(self, block):
        self.blocks.append(block)

    def take(self, size):
        """The last one given that has exactly this size, or None."""
        for i in reversed(range(len(self.blocks))):
            if self.blocks[i].size == size:
                return self.blocks.pop(i)
        return None

    def free(self):
        for block in self.blocks:
            block.free()
        self.blocks.clear()


class Bounds:
    """How much of a GPU PyTorch may have where others use it as well: what it once had it keeps, up to there. Who cannot do with that gets
    what there is, until the next problem: the bound comes from an estimate."""

    def __init__(self, set_fraction=torch.cuda.set_per_process_memory_fraction):
        self.set_fraction = set_fraction
        self.problem = self.lifted = None
        self.limit, self.device = 0, None

    def enter(self, problem, limit, on):
        """From here on for this problem; `limit` in bytes, 0: none."""
        self.problem, self.device = problem, on
        self.apply(0 if problem == self.lifted else limit)

    def lift(self):
        if self.limit:
            self.lifted = self.problem
            self.apply(0)

    def apply(self, limit):
        whole = torch.cuda.get_device_properties(self.device).total_memory if limit else 1
        if limit or self.limit:
            self.set_fraction(min(1.0, limit / whole) if limit else 1.0, self.device)
        self.limit = limit


class Memory:
    """`tensors`: [{"name", "dtype", "shape", "stride"}]; they get their "offset" here. `block` has the size that place() says."""

    def __init__(self, tensors, block):
        self.device, self.block, self.size = block.device, block, block.size
        self.placed = [{**each, "offset": offset} for each, offset in zip(tensors, place(tensors)[1])]
        self.bytes = torch.as_tensor(Holder(block.pointer.value, self.size), device=self.device)
        self.words = self.bytes.view(torch.int64)
        self.seal_, self.keys = None, [1, 1, 1]

    def let_go(self):
        """The block, which may be another memory's from now on."""
        torch.cuda.synchronize(self.device)
        self.bytes = self.words = None
        self.exchanges = {}
        return self.block

    def describe(self, identifier):
        return {"id": identifier, "handle": self.block.handle, "bytes": self.size, "offsets": [p["offset"] for p in self.placed]}

    def view(self, placed):
        """The tensor of that name, dtype, shape and stride; where it lies is known here."""
        dtype, shape, stride = TORCH[placed["dtype"]], placed["shape"], placed["stride"]
        if 0 in shape:
            return torch.empty(shape, dtype=dtype, device=self.device)
        mine = next(p for p in self.placed if p["name"] == placed["name"])
        return self.bytes[mine["offset"]:mine["offset"] + extent(placed)].view(dtype).as_strided(shape, stride)

    def begin_fill(self, sentinel):
        self.words.fill_(signed(sentinel))

    def fill(self, sentinel):
        self.begin_fill(sentinel)
        torch.cuda.synchronize(self.device)

    def margin_hit(self, sentinel):
        """The first byte between tensors that is not the sentinel's any more, or None."""
        pattern = torch.tensor(list(sentinel.to_bytes(8, "little")), dtype=torch.uint8, device=self.device)
        end, before = 0, None
        for after in [*self.placed, None]:
            begin = after["offset"] if after else self.size
            gap = self.bytes[end:begin]
            expected = pattern.repeat(-(-gap.numel() // 8) + 1)[end % 8:end % 8 + gap.numel()]
            hits = (gap != expected).nonzero().flatten()
            if hits.numel():
                behind, front = int(hits[0]), gap.numel() - 1 - int(hits[-1])
                if before is not None and (after is None or behind <= front):
                    return {"name": before["name"], "behind": True, "distance": behind}
                return {"name": after["name"], "behind": False, "distance": front}
            if after:
                end, before = begin + extent(after), after
        return None

    # What tells whether a candidate wrote where it must not: a keyed sum over all words and their places. The keys never leave this
    # process, so that no other change can be made up for; exchanging elements changes it by what was exchanged.

    def mixed(self, words, index):
        mixed = (words ^ (index * MIX + self.keys[0])) * self.keys[1]
        return ((mixed ^ (mixed >> 32)) * self.keys[2]).sum()

    def digest(self):
        if fused.available(self.words.device.type):
            return fused.digest(self.words, self.keys, MIX)
        total = torch.zeros((), dtype=torch.int64, device=self.device)
        for begin in range(0, self.words.numel(), PIECE):
            piece = self.words[begin:begin + PIECE]
            total += self.mixed(piece, torch.arange(begin, begin + piece.numel(), device=self.device))
        return total

    def seal(self):
        self.keys = [signed(secrets.randbits(64) | 1) for _ in range(3)]
        self.exchanges = {}  # what was drawn knew other keys
        self.seal_ = self.digest()

    def is_intact(self):
        return self.seal_ is None or bool(self.digest() == self.seal_)

    def exchange(self, placed, count, seed):
        known = self.__dict__.setdefault("exchanges", {})
        if placed["name"] not in known or not known[placed["name"]].rows:
            known[placed["name"]] = Exchanges(self, placed, count, seed)
        each = known[placed["name"]]
        places, sources, touched, keyed = each.rows.pop()
        before = self.words[touched]
        each.flat[places] = each.flat[sources]
        if self.seal_ is not None:
            mixed = (torch.stack((self.words[touched], before)) ^ keyed) * self.keys[1]
            after, was = ((mixed ^ (mixed >> 32)) * self.keys[2]).sum(1)
            self.seal_ = self.seal_ + after - was

    def perturb(self, placed, seed):
        """Exchanges random elements of a tensor: the same values, elsewhere. What was wrong before stays wrong."""
        tensor = self.view(placed)
        n = tensor.numel()
        if n < 2:
            return
        count = max(16, min(2048, n // 32))
        mine = next(p for p in self.placed if p["name"] == placed["name"])
        if dense(placed) and n // (count + 1) > 8 // tensor.element_size():
            self.exchange(mine, count, seed)
            return
        generator = torch.Generator(tensor.device).manual_seed(seed % 2**63)
        places = torch.randint(0, n, (min(count, n),), generator=generator, device=tensor.device).unique()
        at = torch.unravel_index(places, tensor.shape)
        order = torch.randperm(places.numel(), generator=generator, device=tensor.device)
        element = sum((c * s for c, s in zip(at, placed["stride"])), torch.zeros_like(places))
        touched = ((mine["offset"] + element * tensor.element_size()) // 8).unique()
        before = self.mixed(self.words[touched], touched)
        tensor[at] = tensor[at][order]
        if self.seal_ is not None:
            self.seal_ = self.seal_ + self.mixed(self.words[touched], touched) - before


class Exchanges:
    """Random exchanges of elements of a tensor that fills its memory, drawn many at a time: one place in each of `count` stretches of
    memory, none in the word of another, so that nothing has to be waited for."""

    ROWS = 32

    def __init__(self, memory, placed, count, seed):
        device, reach = memory.device, extent(placed)
        self.flat = memory.bytes[placed["offset"]:placed["offset"] + reach].view(TORCH[placed["dtype"]])
        n, size = self.flat.numel(), self.flat.element_size()
        width, apart = n // (count + 1), 8 // size
        generator = torch.Generator(device).manual_seed(seed % 2**63)
        places = torch.arange(count, device=device) * width
        places = places + torch.randint(0, n - count * width + apart + 1, (self.ROWS, 1), generator=generator, device=device)
        places += torch.randint(0, width - apart, places.shape, generator=generator, device=device)
        order = torch.rand(places.shape, generator=generator, device=device).argsort(1)
        touched = (placed["offset"] + places * size) // 8
        self.rows = list(zip(places.unbind(), places.gather(1, order).unbind(), touched.unbind(),
                             (touched * MIX + memory.keys[0]).unbind()))


def difference(a, b):
    """The first element in which two memories of the same tensors differ, and how many do, or None."""
    for placed in a.placed:
        x, y = a.view(placed), b.view(placed)
        size = x.element_size()
        kind = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}[size]
        x, y = x.view(kind), y.view(kind)
        if torch.equal(x, y):
            continue
        differ = x != y
        count = int(differ.sum())
        if count:
            first = int(differ.contiguous().flatten().view(torch.uint8).argmax())
            at = []
            for n in reversed(placed["shape"]):
                at.append(first % n)
                first //= n
            return {"name": placed["name"], "first": at[::-1], "count": count}
    return None
