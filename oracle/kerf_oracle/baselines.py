"""Eager and torch.compile, timed one run at a time under the runner's protocol."""

import gc
import resource
import time

import torch

from . import errors

LEAST, MOST = 32 << 20, 256 << 20
WARM_UPS = 3


def largest_cache():
    """Bytes of the last-level cache."""
    import glob
    best = 32 << 20
    sizes = []
    for path in glob.glob("/sys/devices/system/cpu/cpu0/cache/index*/size"):
        try:
            with open(path) as file:
                text = file.read().strip()
            sizes.append(int(text[:-1]) << {"K": 10, "M": 20, "G": 30}[text[-1]])
        except (OSError, ValueError, KeyError):
            pass
    return max(sizes, default=best)


class Flusher:
    """Reads and writes twice the last-level cache with all threads."""

    def __init__(self):
        self.buffer = None

    def __call__(self):
        if self.buffer is None:
            self.buffer = torch.zeros(min(max(2 * largest_cache(), LEAST), MOST) // 4, dtype=torch.float32)
        self.buffer.add_(1)


def prepare(workload, baseline, args):
    """Compiles if need be and warms up; `args` are forward's arguments on a trial's tensors."""
    if baseline == "compile" and workload.compiled is None:
        workload.compiled = torch.compile(workload.model)
    function = workload.model if baseline == "eager" else workload.compiled
    try:
        with torch.inference_mode():
            for _ in range(WARM_UPS):
                function(*args())
    except Exception as error:
        workload.compiled = None
        if errors.is_out_of_memory(error):
            raise errors.Refusal("unavailable", f"{baseline}: out of memory") from None
        raise errors.Refusal("unavailable", f"{baseline} fails: {type(error).__name__}: {errors.one_line(error)}") from None


def time_once(workload, baseline, args, flush):
    """Microseconds of one call, and how often this process was interrupted in it."""
    function = workload.model if baseline == "eager" else workload.compiled
    if function is None:
        raise errors.Refusal("internal", "a baseline is timed that was not prepared")
    gc.disable()
    try:
        with torch.inference_mode():
            if flush:
                flush()
            switches = resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw
            begin = time.perf_counter_ns()
            result = function(*args)
            end = time.perf_counter_ns()
            switches = resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw - switches
            del result
    finally:
        gc.enable()
    return (end - begin) / 1e3, switches
