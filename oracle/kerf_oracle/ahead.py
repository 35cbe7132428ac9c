"""Compiling baselines before they are asked for, beside the process that judges: what PyTorch's compiler makes of a model goes into its
caches on disk, where it is found. First without memory and without a GPU, as far as that goes. What is chosen by measuring is measured
where the problem is small beside the GPU, in turns with all who use its lock; else it is left to the process that judges."""

import gc

import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from . import baselines, errors
from .workload import Workload, tensors_in


class Stop(BaseException):
    """Not an Exception: the compiler takes those for a choice that does not work, and goes on with the others."""


class Replaced:
    """Attributes that are others for as long as a `with` lasts."""

    def __init__(self):
        self.kept = []

    def replace(self, owner, name, by):
        self.kept.append((owner, name, name in vars(owner), getattr(owner, name)))
        setattr(owner, name, by)

    def __exit__(self, *_):
        for owner, name, own, was in reversed(self.kept):
            if own:
                setattr(owner, name, was)
            else:
                delattr(owner, name)  # its class has it


def measuring():
    """(owner, name) of what PyTorch's compiler measures with."""
    from torch._inductor.runtime import benchmarking
    return [(benchmarking.benchmarker, name) for name in ("benchmark", "benchmark_gpu", "benchmark_cpu")]


class Unmeasured(Replaced):
    """Ends a compilation where it would run something."""

    def __enter__(self):
        from torch._inductor import output_code
        self.compiled = 0

        def compiled(*_):
            self.compiled += 1
            raise Stop

        def measures(*_, **__):
            raise Stop

        self.replace(output_code.CompiledFxGraph, "__call__", compiled)
        for owner, name in measuring():
            self.replace(owner, name, measures)
        return self


class Measured(Replaced):
    """Has what runs hold the GPU's lock: alone what is measured, beside others the rest, and not while graphs and kernels are compiled in
    between. `settle` is called before what is held changes: what was begun ends under the lock that it was begun under."""

    def __init__(self, sharing, settle=lambda: None):
        super().__init__()
        self.sharing, self.settle = sharing, settle

    def __enter__(self):
        from torch._inductor import compile_fx, output_code
        self.hold(compile_fx, "compile_fx", self.sharing.apart)
        self.hold(output_code.CompiledFxGraph, "__call__", self.sharing.beside)
        for owner, name in measuring():
            self.hold(owner, name, self.sharing.alone)
        try:
            import triton
            self.hold(triton, "compile", self.sharing.apart)
        except ImportError:
            pass
        return self

    def hold(self, owner, name, held):
        inner = getattr(owner, name)

        def call(*args, **kwargs):
            self.settle()
            with held():
                try:
                    return inner(*args, **kwargs)
                finally:
                    self.settle()
        self.replace(owner, name, call)


SHARE = 0.15   # of the GPU's memory, for what is measured ahead; in equal parts where several oracles share the GPU
COPIES = 8     # of what a problem moves, that may be alive at a time


def has_room(moved, device, beside=1):
    """Whether a problem that moves so many bytes may be run here, too."""
    return device.type == "cuda" and torch.cuda.is_available() and \
        COPIES * moved <= SHARE / beside * torch.cuda.mem_get_info(device)[1]


def measure_baseline(problem, baseline, device, sharing, report, beside=1):
    """Runs the compiled model once, so that what is chosen at its first run is in the caches, too."""
    baselines.pin(problem.get("exact_convolutions", False))
    torch._dynamo.reset()
    report(f"measuring {baseline} ahead")
    try:
        with sharing.beside():
            if device.type == "cuda":
                torch.cuda.set_device(device)
                torch.cuda.set_per_process_memory_fraction(SHARE / beside, device)
            workload = Workload("measured", problem["source"], problem["sizes"], problem["mode"], problem["path"],
                                device=device).build(report)
            args = workload.arguments(tensors_in(workload.template))
        function = torch.compile(workload.model, **baselines.COMPILED[baseline])
        with Measured(sharing), torch.inference_mode():
            function(*args)
    except errors.Refusal:
        raise
    except Exception as error:
        raise errors.Refusal("unavailable", f"{baseline} is not measured ahead: {errors.one_line(error)}") from None
    finally:
        function = args = workload = None
        torch._dynamo.reset()
        gc.collect()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
            torch.cuda.empty_cache()


def compile_baseline(problem, baseline, device, report):
    """Whether what runs first of the compiled model is in the caches now."""
    baselines.pin(problem.get("exact_convolutions", False))
    torch._dynamo.reset()
    report(f"compiling {baseline} ahead")
    with FakeTensorMode(allow_non_fake_inputs=True):
        workload = Workload("ahead", problem["source"], problem["sizes"], problem["mode"], problem["path"], abstract=True,
                            device=device).build(report)
        function = torch.compile(workload.model, **baselines.COMPILED[baseline])
        with Unmeasured() as unmeasured, torch.inference_mode():
            try:
                function(*workload.arguments(tensors_in(workload.template)))
            except Stop:
                pass
            except Exception as error:
                raise errors.Refusal("unavailable", f"{baseline} is not compiled ahead: {errors.one_line(error)}") from None
    return unmeasured.compiled > 0
