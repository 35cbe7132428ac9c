"""Compiling baselines before they are asked for, beside the process that judges: what PyTorch's compiler makes of a model goes into its
caches on disk, where it is found. No tensor has memory here, nothing runs on a GPU, and nothing is chosen by measuring: a baseline whose
compilation would have to measure is left to the process that is alone on the GPU then."""

import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from . import baselines, errors
from .workload import Workload, tensors_in


class Stop(BaseException):
    """Not an Exception: the compiler takes those for a choice that does not work, and goes on with the others."""


class Unmeasured:
    """Ends a compilation where it would run something."""

    def __enter__(self):
        from torch._inductor import output_code
        from torch._inductor.runtime import benchmarking
        self.kept = [(output_code.CompiledFxGraph, "__call__", output_code.CompiledFxGraph.__call__)]
        for name in ("benchmark", "benchmark_gpu", "benchmark_cpu"):
            self.kept.append((benchmarking.benchmarker, name, None))
        self.compiled = 0

        def compiled(*_):
            self.compiled += 1
            raise Stop

        def measures(*_, **__):
            raise Stop

        output_code.CompiledFxGraph.__call__ = compiled
        for owner, name, _ in self.kept[1:]:
            setattr(owner, name, measures)
        return self

    def __exit__(self, *_):
        for owner, name, was in self.kept:
            if was is None:
                delattr(owner, name)  # the class has it
            else:
                setattr(owner, name, was)


def compile_baseline(problem, baseline, device, report):
    """Whether what runs first of the compiled model is in the caches now."""
    baselines.pin()
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
