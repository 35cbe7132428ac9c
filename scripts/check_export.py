#!/usr/bin/env python3
"""An exported file judged the way that others judge: FILE... each in a process of its own, five inputs within 1e-4 of Model's answer
(absolute and relative), 100 runs of Model and of ModelNew between CUDA events, warm. Prints the speedup of the means beside the one that
receipt.json next to the file claims, and how long a warm call keeps the host while the GPU waits, which is what a file has on top of
its kernels. The last line counts the files within 5 % of what they claim; the exit code is 1 where one is wrong or does not run. Needs
a GPU and PyTorch; no kerf."""
import importlib.util
import json
import pathlib
import statistics
import subprocess
import sys
import time

CLOSE = 0.05


def one(path):
    import torch

    spec = importlib.util.spec_from_file_location("exported", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["exported"] = module
    spec.loader.exec_module(module)
    device = torch.device("cuda")
    with device:
        torch.manual_seed(42)
        reference = module.Model(*module.get_init_inputs()).to(device)
        torch.manual_seed(42)
        new = module.ModelNew(*module.get_init_inputs()).to(device)

    def inputs():
        with device:
            return [x.to(device) if isinstance(x, torch.Tensor) else x for x in module.get_inputs()]

    with torch.no_grad():
        for trial in range(5):
            torch.manual_seed(trial)
            given = inputs()
            a, b = reference(*given), new(*given)
            if a.shape != b.shape or not torch.allclose(a, b, rtol=1e-4, atol=1e-4):
                return {"right": False, "error": float((a - b).abs().max())}
            del a, b

        def mean_us(model):
            for _ in range(5):
                model(*given)
            torch.cuda.synchronize()
            total = 0.0
            for _ in range(100):
                begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
                begin.record()
                model(*given)
                end.record()
                torch.cuda.synchronize()
                total += begin.elapsed_time(end)
            return total * 10

        def host_us(model):
            times = []
            for _ in range(100):
                torch.cuda.synchronize()
                begin = time.perf_counter()
                model(*given)
                times.append(time.perf_counter() - begin)
            return statistics.median(times) * 1e6

        eager, ours = mean_us(reference), mean_us(new)
        host = host_us(new)
    used = any(v is not None for v in new._kerf_known.values())
    return {"right": True, "eager_us": eager, "new_us": ours, "host_us": host, "speedup": eager / ours, "kernels_ran": used}


def claim(path):
    """Speedup over eager and time in the receipt beside the file; None where it has none."""
    receipt = path.parent / "receipt.json"
    data = json.loads(receipt.read_text()) if receipt.exists() else {}
    data = data.get("receipt", data) or {}
    return ((data.get("speedup") or {}).get("eager") or {}).get("value"), (data.get("time_us") or {}).get("median")


def main(paths):
    close, claims, failed = 0, 0, 0
    for path in paths:
        run = subprocess.run([sys.executable, __file__, "--one", path], capture_output=True, text=True)
        if run.returncode != 0:
            print(f"{path.parent.name}: {run.stderr.strip().splitlines()[-1] if run.stderr else run.returncode}")
            failed += 1
            continue
        found = json.loads(run.stdout.splitlines()[-1])
        speedup, time_us = claim(path)
        line = f"{path.parent.name} {json.dumps(found)} claimed {speedup} of {time_us} us"
        failed += not found["right"]
        if found["right"] and speedup:
            ratio = found["speedup"] / speedup
            near = abs(ratio - 1) <= CLOSE
            close, claims = close + near, claims + 1
            line += f", {100 * (ratio - 1):+.1f} %{'' if near else ': not close'}"
        print(line, flush=True)
    print(f"{close} of {claims} within {100 * CLOSE:.0f} %" + (f", {failed} wrong or not run" if failed else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] == "--one":
        print(json.dumps(one(sys.argv[2])))
        sys.exit(0)
    sys.exit(main([pathlib.Path(path) for path in sys.argv[1:]]))
