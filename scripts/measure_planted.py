#!/usr/bin/env python3
"""Measures the kernels of tests/cases/planted on this machine's NVIDIA GPU: times.json and ncu.csv in a folder.

Needs PyTorch, CuPy and Nsight Compute (ncu). Each candidate's result is compared with the problem's own; the counters
are those of tests/cases/planted/h100_ncu.csv. Of a long chain of launches ncu looks at the first three.
"""
import argparse
import csv
import inspect
import json
import pathlib
import re
import subprocess
import sys
import tomllib

import cupy
import torch

root = pathlib.Path(__file__).resolve().parent.parent
planted = root / "tests/cases/planted"
prelude = (root / "src/target/nvidia/prelude/device.h").read_text()
dtypes = {"f32": torch.float32, "f64": torch.float64, "i32": torch.int32, "i64": torch.int64}


def cases():
    return tomllib.loads((planted / "cases.toml").read_text())["case"]


def problem(name, sizes):
    """The problem's module, the sizes on its first assignment replaced."""
    text = (planted / "problems" / f"{name}.py").read_text()
    line = re.search(r"^([A-Z, ]+) = (.*)$", text, re.M)
    names = [n.strip() for n in line[1].split(",")]
    values = dict(zip(names, line[2].split(",")), **{k: str(v) for k, v in sizes.items()})
    module = {}
    exec(text.replace(line[0], f"{line[1]} = {', '.join(values[n].strip() for n in names)}"), module)
    return module


class Run:
    """A candidate bound to its problem; expressions of plans are read as Python, which these plans allow."""

    def __init__(self, case):
        torch.manual_seed(0)
        module = problem(case["problem"], case.get("sizes", {}))
        with torch.device("cuda"), torch.no_grad():
            self.inputs, model = module["get_inputs"](), module["Model"]()
            self.expected = model(*self.inputs)
            names = inspect.signature(model.forward).parameters
            self.names = dict(zip(names, self.inputs))
            self.out = torch.full(self.expected.shape, float("nan"), dtype=self.expected.dtype)
        self.names |= {"out": self.out, "cdiv": lambda a, b: -(-a // b), "numel": lambda t: t.numel()}
        text = (planted / f"{case['name']}.cu").read_text()
        plan = tomllib.loads(re.search(r"/// kerf\n(.*?)\n///", text, re.S)[1])
        for scratch in plan.get("scratch", []):
            shape = [self.value(d) for d in scratch["shape"]]
            self.names[scratch["name"]] = torch.full(shape, float("nan"), dtype=dtypes[scratch["dtype"]], device="cuda")
        module = cupy.RawModule(code=prelude + "\n" + text, options=("--std=c++20",), backend="nvrtc")
        self.launches = []
        for step in plan["step"]:
            kernel = module.get_function(step["launch"])
            shared = int(self.value(step.get("shared", 0)))
            if shared > 48000:
                kernel.max_dynamic_shared_size_bytes = shared
            rounds = self.value(plan["loops"][step["for"]]) if "for" in step else 1
            for index in range(rounds):
                if "for" in step:
                    self.names[step["for"]] = index
                grid, block = ([int(self.value(d)) for d in step[k]] + [1, 1] for k in ("grid", "block"))
                args = tuple(self.argument(self.value(a)) for a in step["args"])
                self.launches.append((kernel, tuple(grid[:3]), tuple(block[:3]), args, shared))

    def value(self, expression):
        return eval(expression, {}, self.names) if isinstance(expression, str) else expression

    def argument(self, value):
        if isinstance(value, torch.Tensor):
            return cupy.uint64(value.data_ptr())
        return cupy.int64(value) if isinstance(value, int) else cupy.float32(value)

    def go(self, launches):
        for kernel, grid, block, args, shared in launches:
            kernel(grid, block, args, shared_mem=shared)


def time_us(run):
    """Median of seven runs, the L2 written over before each."""
    flush = torch.empty(64 * 2**20, device="cuda")
    times = []
    for _ in range(7):
        flush.zero_()
        torch.cuda.synchronize()
        begin, end = cupy.cuda.Event(), cupy.cuda.Event()
        begin.record()
        run.go(run.launches)
        end.record()
        end.synchronize()
        times.append(1e3 * cupy.cuda.get_elapsed_time(begin, end))
    return sorted(times)[3]


def measure(case):
    run = Run(case)
    run.go(run.launches)
    cupy.cuda.Device().synchronize()
    expected = run.expected.double()
    return {
        "name": case["name"],
        "launches": len(run.launches),
        "time_us": round(time_us(run), 2),
        "least_bytes": sum(t.numel() * t.element_size() for t in [*run.inputs, run.out]),
        "error": ((run.out.double() - expected).norm() / expected.norm()).item(),
    }


def launch_us():
    """Of a thousand launches that do nothing, one after the other."""
    kernel = cupy.RawModule(code='extern "C" __global__ void nothing() {}', backend="nvrtc").get_function("nothing")
    kernel((1,), (1,), ())
    begin, end = cupy.cuda.Event(), cupy.cuda.Event()
    begin.record()
    for _ in range(1000):
        kernel((1,), (1,), ())
    end.record()
    end.synchronize()
    return round(cupy.cuda.get_elapsed_time(begin, end), 2)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--launch-only", action="store_true", help="launch each kernel once, for ncu to watch")
    options = parser.parse_args()
    if options.launch_only:
        for case in cases():
            run = Run(case)
            run.go(run.launches if len(run.launches) <= 8 else run.launches[:3])
            cupy.cuda.Device().synchronize()
        return
    options.folder.mkdir(parents=True, exist_ok=True)
    runs = []
    for case in cases():
        runs.append(measure(case))
        print("{name:32} {time_us:10.1f} us  error {error:.1e}".format(**runs[-1]), flush=True)
        torch.cuda.empty_cache()
    record = {"device": torch.cuda.get_device_name(), "launch_us": launch_us(), "runs": runs}
    (options.folder / "times.json").write_text(json.dumps(record, indent=1) + "\n")
    with open(planted / "h100_ncu.csv", newline="") as table:
        counters = [name for name in next(csv.reader(table)) if "__" in name]
    # Kernels are named after their cases: a prefix of a case's name is enough to leave PyTorch's own out.
    words = sorted({case["name"].split("_")[0] for case in cases()})
    command = ["ncu", "--csv", "--page", "raw", "--clock-control", "none", "-k", f"regex:^({'|'.join(words)})_",
               "--metrics", ",".join(counters), sys.executable, __file__, "--launch-only", str(options.folder)]
    with open(options.folder / "ncu.csv", "w") as out:
        subprocess.run(command, stdout=out, check=True)


main()
