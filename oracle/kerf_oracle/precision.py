"""What PyTorch lets its own operators round on a GPU, whether or not they do: factors of convolutions to TF32."""

import torch
from torch.utils._python_dispatch import TorchDispatchMode

CUT = 13  # of the 23 bits of an f32's fraction; TF32 has the first ten


def to_tf32(tensor):
    """A copy, rounded to the nearest TF32, ties to even; infinities and NaN as they are."""
    bits = tensor.clone().view(torch.int32)
    made = bits >> CUT
    made.bitwise_and_(1).add_((1 << (CUT - 1)) - 1).add_(bits).bitwise_and_(-(1 << CUT))
    return torch.where(torch.isfinite(tensor), made, bits).view(torch.float32)


class Tf32Convolutions(TorchDispatchMode):
    """Convolutions in f32 within it multiply factors that are rounded to TF32, and add up as ever; `count` is how many did.

    cuDNN rounds so where `torch.backends.cudnn.allow_tf32` is set, as it is by default, and where it has a kernel for that: this depends on
    sizes, on layouts and on its version."""

    def __init__(self):
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        if function is torch.ops.aten.convolution.default and args[0].dtype == torch.float32:
            self.count += 1
            args = (to_tf32(args[0]), to_tf32(args[1]), *args[2:])
        return function(*args, **(kwargs or {}))
