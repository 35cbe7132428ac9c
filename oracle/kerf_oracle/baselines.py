"""Eager and torch.compile, timed one run at a time under the runner's protocol."""

import gc
import os
import resource
import tempfile
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
    """Reads and writes twice the last-level cache with all threads; on a GPU writes `bytes`, as the runner does before a candidate."""

    def __init__(self, device="cpu", bytes=0):
        self.device, self.bytes = torch.device(device), bytes
        self.buffer = None

    def __call__(self):
        if self.device.type == "cuda":
            if self.buffer is None:
                self.buffer = torch.empty(self.bytes, dtype=torch.uint8, device=self.device)
            self.buffer.zero_()
            return
        if self.buffer is None:
            self.buffer = torch.zeros(min(max(2 * largest_cache(), LEAST), MOST) // 4, dtype=torch.float32)
        self.buffer.add_(1)


# 300 us at some 1.9 GHz, during which the GPU does nothing: the runner waits as long (src/runner/cuda/cuda_executor.cc). What has been
# handed over in less than 250 us was there before it ended, up to 2.28 GHz.
HAND_OVER_CYCLES = 570_000
HANDED_OVER_NS = 250_000
COMPILED = {"compile": {}, "max_autotune": {"mode": "max-autotune-no-cudagraphs"}}


class Graph:
    """One run of a baseline, captured. It reads and writes the memory that its arguments had then."""

    def __init__(self, function, args):
        """On a stream of its own, as capturing asks for; the run before it makes memory and handles ready there."""
        self.stream, self.graph = torch.cuda.Stream(), torch.cuda.CUDAGraph()
        torch.cuda.synchronize()
        with torch.cuda.stream(self.stream):
            function(*args)
        torch.cuda.synchronize()
        with torch.cuda.graph(self.graph, stream=self.stream):
            self.result = function(*args)

    def __call__(self):
        self.graph.replay()


def prepare(workload, baseline, args, graph=False):
    """Compiles if need be and warms up; `args` are forward's arguments on a trial's tensors. With `graph`, whether it can be captured."""
    if baseline in COMPILED and baseline not in workload.compiled:
        workload.compiled[baseline] = torch.compile(workload.model, **COMPILED[baseline])
    function = function_of(workload, baseline)
    pin(workload.exact)
    try:
        with torch.inference_mode():
            for _ in range(WARM_UPS):
                function(*args())
            if graph:
                capture(baseline, function, args())
        if workload.device.type == "cuda":
            torch.cuda.synchronize()
    except errors.Refusal:
        workload.compiled.pop(baseline, None)
        raise
    except Exception as error:
        workload.compiled.pop(baseline, None)
        if errors.is_out_of_memory(error):
            raise errors.Refusal("unavailable", f"{baseline}: out of memory", out_of_memory=True) from None
        raise errors.Refusal("unavailable", f"{baseline} fails: {type(error).__name__}: {errors.one_line(error)}") from None


def capture(baseline, function, args):
    try:
        return Graph(function, args)
    except Exception as error:
        if errors.is_out_of_memory(error):
            raise
        first = error.__context__ or error  # what ended the capture, rather than that it was ended
        raise errors.Refusal("unavailable", f"{baseline} cannot be captured as a graph: {errors.one_line(first)}") from None


def pin(exact=False):
    """PyTorch's own defaults, whatever a problem file made of them: both sides of a comparison compute in the same precision. `exact`:
    without TF32 in convolutions, which PyTorch's compiler writes into kernels of its own, but not into the keys of its caches."""
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = not exact
    torch.compiler.config.cache_key_tag = "without TF32" if exact else ""


def function_of(workload, baseline):
    return workload.model if baseline == "eager" else workload.compiled.get(baseline)


def refused_allocations(device):
    """How often PyTorch found no memory so far. cuDNN's callers go on with another kernel then, which needs less and may take many
    times as long: such a run says nothing about the baseline."""
    if torch.device(device).type != "cuda":
        return 0
    return torch.cuda.memory_stats_as_nested_dict(device).get("num_ooms", 0)


def time_once(workload, baseline, args, flush):
    """Microseconds of one call, how often this process was interrupted in it (-1 on a GPU, whose time does not depend on it), and whether
    what the host did may be part of the time."""
    function = function_of(workload, baseline)
    if function is None:
        raise errors.Refusal("internal", "a baseline is timed that was not prepared")
    gc.disable()
    try:
        with torch.inference_mode():
            if workload.device.type == "cuda":
                us, shows_host = time_on_gpu(function, args, flush, workload.exact)
                return us, -1, shows_host
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
    return (end - begin) / 1e3, switches, True


def compile_with_names(workload, baseline, args):
    """On a CPU the profiler sees a compiled graph as one, unless its kernels tell it when they begin and end."""
    import torch._inductor.config
    workload.compiled.pop(baseline, None)
    torch.compiler.reset()
    with torch._inductor.config.patch({"cpp.enable_kernel_profile": True}):
        prepare(workload, baseline, args)


MOST_TRACE = 128 << 20  # bytes


def trace(workload, baseline, args):
    """What PyTorch's profiler sees of one call that is not the first, as JSON. It leaves its hooks in the process: nothing is to be timed
    in it afterwards."""
    on_gpu = workload.device.type == "cuda"
    if baseline in COMPILED and not on_gpu:
        compile_with_names(workload, baseline, args)
    function = function_of(workload, baseline)
    kinds = [torch.profiler.ProfilerActivity.CPU] + [torch.profiler.ProfilerActivity.CUDA] * on_gpu
    pin(workload.exact)
    with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
        for _ in range(2):  # the first one pays for the profiler's own start
            if on_gpu:
                torch.cuda.synchronize()
            with torch.profiler.profile(activities=kinds, acc_events=False) as found:
                function(*args())
                if on_gpu:
                    torch.cuda.synchronize()
        path = os.path.join(folder, "trace.json")
        found.export_chrome_trace(path)
        if (size := os.path.getsize(path)) > MOST_TRACE:
            raise errors.Refusal("unavailable", f"the trace of {baseline} has {size >> 20} MiB, more than {MOST_TRACE >> 20}")
        with open(path) as file:
            return file.read()


def time_graph(workload, baseline, trial, inputs, flush):
    """As time_once, of a run that was captured on the trial's tensors: another trial's takes its place."""
    kept, graph, own = workload.graphs.get(baseline, (None, None, None))
    if kept != trial:
        workload.graphs.pop(baseline, None)
        pin(workload.exact)
        # What forward changes is drawn anew before each run, into memory of the graph's own.
        own = [t.clone() for t in inputs] if workload.mutates_inputs else inputs
        with torch.inference_mode():
            graph = capture(baseline, function_of(workload, baseline), workload.arguments(own))
        workload.graphs[baseline] = (trial, graph, own)
    if workload.mutates_inputs:
        for to, of in zip(own, inputs):
            to.copy_(of)
    gc.disable()
    try:
        us, shows_host = time_on_gpu(graph, [], flush, workload.exact)
        return us, -1, shows_host
    finally:
        gc.enable()


def time_on_gpu(function, args, flush, exact):
    """Between two events on the stream. The GPU is kept waiting while kernels are handed over, as before a candidate: what is compared
    is the time of the device, not that of Python, unless the second value says that more was handed over than fitted into the wait."""
    begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    pin(exact)
    torch.cuda.synchronize()
    if flush:
        flush()
    waits_from = time.perf_counter_ns()
    torch.cuda._sleep(HAND_OVER_CYCLES)
    begin.record()
    result = function(*args)
    end.record()
    shows_host = time.perf_counter_ns() - waits_from >= HANDED_OVER_NS
    torch.cuda.synchronize()
    del result
    return begin.elapsed_time(end) * 1e3, shows_host
