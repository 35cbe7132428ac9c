"""How inputs are drawn: as the file draws them, and from distributions that tell right answers from trivial ones."""

import random

import torch
from torch.overrides import TorchFunctionMode

FACTORIES = {"rand": "rand", "randn": "randn", "randint": "randint", "zeros": "zeros", "ones": "ones", "rand_like": "rand",
             "randn_like": "randn", "randint_like": "randint", "empty": "empty", "full": "full", "arange": "arange",
             "randperm": "randperm", "normal": "randn", "bernoulli": "bernoulli", "linspace": "linspace"}
# Besides "own". Each draws another scale and offset in every trial, so that means of many numbers move.
EXTRA = ("signed", "heavy_tailed", "sparse", "large")
NOISE_BLOCK = 1 << 20


def generator(device, seed):
    return torch.Generator(device).manual_seed(seed % 2**63)


def seed_all(seed):
    random.seed(seed)
    torch.manual_seed(seed % 2**63)


class Recorder(TorchFunctionMode):
    """Notes by which factory each tensor was made; keeps them alive, so that addresses of objects stay unique."""

    def __init__(self):
        super().__init__()
        self.made = {}

    def __torch_function__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        name = FACTORIES.get(getattr(function, "__name__", ""))
        if name and isinstance(result, torch.Tensor):
            self.made[id(result)] = (result, name, args, kwargs or {})
        return result

    def drawn(self, tensor):
        entry = self.made.get(id(tensor))
        if entry is None:
            return "derived"
        _, name, args, kwargs = entry
        if name == "randint":
            numbers = [a for a in args if isinstance(a, int)]
            low, high = (0, numbers[0]) if len(numbers) == 1 else numbers[:2] if numbers else (kwargs.get("low", 0), kwargs.get("high"))
            return f"randint({low}, {high})"
        return name


def is_ordered(tensor):
    """Whether values rise along the innermost dimension, as places, times and boundaries do and draws do not."""
    if tensor.dim() == 0 or tensor.shape[-1] < 8 or tensor.dtype == torch.bool or tensor.is_complex():
        return False
    step = tensor.diff(dim=-1)
    return bool((step >= 0).all() and (step > 0).any())


def continuous(drawn, tensor):
    """How another distribution makes sense for an input: "free" (any values), "scaled" (computed from draws, so that its
    zeros and structure may mean something: its own values times others), or None where values are not on a continuum."""
    if not tensor.is_floating_point():
        return None
    if drawn in ("rand", "randn"):
        return "free"
    if drawn in ("zeros", "ones", "full", "arange", "randperm", "bernoulli", "linspace", "empty", "ordered") or drawn.startswith("randint"):
        return None
    sample = tensor.flatten()
    sample = sample[::max(1, sample.numel() // 4096)]
    sample = sample[sample != 0]
    return "scaled" if sample.numel() < 16 or sample.unique().numel() > sample.numel() // 2 else None


def draw(distribution, tensor, generator):
    """Fills a float tensor."""
    device = tensor.device
    a, b = torch.rand(2, generator=generator, device=device).tolist()
    if distribution == "signed":
        return tensor.normal_(mean=2 * b - 1, std=0.5 + 1.5 * a, generator=generator)
    if distribution == "heavy_tailed":
        # Log-normal magnitudes, and slices of the leading dimension that differ in scale by up to a thousand.
        tensor.normal_(generator=generator)
        tensor.mul_(torch.exp(tensor.abs().mul_(0.5 + a)))
        if tensor.dim() > 1:
            scale = torch.pow(10.0, 3 * torch.rand(tensor.shape[0], generator=generator, device=device) - 2).to(tensor.dtype)
            tensor.mul_(scale.view(-1, *[1] * (tensor.dim() - 1)))
        return tensor.clamp_(-200, 200)
    if distribution == "sparse":
        # A few values that repeat, and zeros: ties, runs, exact cancellation.
        values = torch.randn(7, generator=generator, device=device).mul_(0.5 + 1.5 * a).to(tensor.dtype)
        table = torch.cat([values, torch.zeros(9, dtype=tensor.dtype, device=device)])
        picks = torch.randint(0, 16, tensor.shape, generator=generator, dtype=torch.int32, device=device)
        return tensor.copy_(table[picks.long()] if tensor.numel() < NOISE_BLOCK else table.index_select(0, picks.flatten()).view(tensor.shape))
    if distribution == "large":
        return tensor.normal_(mean=20 * b - 10, std=10 + 40 * a, generator=generator)
    raise ValueError(f"unknown distribution {distribution}")


def noise(like, generator):
    """Standard normal numbers; large tensors repeat a block from a random offset, which is as good for telling."""
    count = like.numel()
    if count <= 2 * NOISE_BLOCK:
        return torch.randn(like.shape, generator=generator, dtype=torch.float32, device=like.device)
    block = torch.randn(NOISE_BLOCK + 4099, generator=generator, device=like.device)  # odd: rows do not repeat in step
    out = torch.empty(count, device=like.device)
    for begin in range(0, count, block.numel()):
        part = out[begin:begin + block.numel()]
        part.copy_(block[:part.numel()])
    return out.view(like.shape)


def perturb(kind, initial, into, generator):
    """Writes `initial` with noise into `into`. Kinds: parameter, positive (running variances), mean (running means), kept."""
    if kind == "kept" or not initial.is_floating_point() or initial.numel() == 0:
        return into.copy_(initial)
    if kind == "positive":
        return into.copy_(initial).mul_(torch.exp(noise(initial, generator).clamp_(-3, 3).mul_(0.2)).to(into.dtype))
    spread = float(initial.float().std()) if initial.numel() > 1 else 0.0
    size = float(initial.float().abs().mean())
    step = 0.1 * spread if spread > 1e-3 * size and spread > 0 else 0.1 * size if size > 0 else 0.05
    return into.copy_(initial).add_(noise(initial, generator).mul_(step).to(into.dtype))
