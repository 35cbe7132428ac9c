#!/usr/bin/env python3
"""An exported file judged the way that others judge: FILE... each in a process of its own, five inputs within 1e-4 of Model's answer
(absolute and relative), 100 runs of Model and of ModelNew between CUDA events, warm. Prints the speedup of the means, and the one that
receipt.json beside the file claims. Needs a GPU and PyTorch; no kerf."""
import importlib.util
import json
import pathlib
import subprocess
import sys


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

        eager, ours = mean_us(reference), mean_us(new)
    used = any(v is not None for v in new._kerf_known.values())
    return {"right": True, "eager_us": eager, "new_us": ours, "speedup": eager / ours, "kernels_ran": used}


if len(sys.argv) == 3 and sys.argv[1] == "--one":
    print(json.dumps(one(sys.argv[2])))
    sys.exit(0)
for path in map(pathlib.Path, sys.argv[1:]):
    run = subprocess.run([sys.executable, __file__, "--one", path], capture_output=True, text=True)
    if run.returncode != 0:
        print(f"{path.parent.name}: {run.stderr.strip().splitlines()[-1] if run.stderr else run.returncode}")
        continue
    found = json.loads(run.stdout.splitlines()[-1])
    claimed = None
    receipt = path.parent / "receipt.json"
    if receipt.exists():
        data = json.loads(receipt.read_text())
        data = data.get("receipt", data)
        claimed = ((data.get("speedup") or {}).get("eager") or {}).get("value")
    print(path.parent.name, json.dumps(found), "claimed", claimed)
