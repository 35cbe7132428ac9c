#!/usr/bin/env python3
"""What it costs to work on another process's memory of the GPU: one allocates, another opens it over CUDA IPC, and both time a product
whose second factor lies with rows of 32 KB (`linear`), a turned copy and a plain one, with a cold L2. For memory of exactly the bytes
that are needed and for whole large pages of 2 MiB. Needs an NVIDIA GPU and PyTorch; no kerf."""
import ctypes
import statistics
import subprocess
import sys

import torch

M, K, N, MARGIN, PAGE = 1024, 8192, 8192, 1 << 16, 1 << 21
NEEDED = (M + N) * K * 4 + 4 * MARGIN
driver = ctypes.CDLL("libcuda.so.1")


class Handle(ctypes.Structure):
    _fields_ = [("bytes", ctypes.c_ubyte * 64)]


class Holder:
    def __init__(self, pointer):
        self.__cuda_array_interface__ = {"shape": (NEEDED,), "typestr": "|u1", "data": (pointer, False), "version": 3}


def check(code):
    if code:
        sys.exit(f"the driver answers {code}")


def median_us(function, flushed):
    times = []
    for _ in range(18):
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        flushed.zero_()
        begin.record()
        function()
        end.record()
        torch.cuda.synchronize()
        times.append(begin.elapsed_time(end) * 1e3)
    return statistics.median(times[3:])


def measure(who, pointer):
    memory = torch.as_tensor(Holder(pointer), device="cuda")
    x = memory[MARGIN:MARGIN + M * K * 4].view(torch.float32).view(M, K)
    begin = 2 * MARGIN + M * K * 4
    w = memory[begin:begin + N * K * 4].view(torch.float32).view(N, K)
    to, flushed = torch.empty_like(w), torch.empty(100 << 20, dtype=torch.uint8, device="cuda")
    if who == "owner":
        x.uniform_()
        w.uniform_(-0.01, 0.01)
    times = {"linear": lambda: torch.nn.functional.linear(x, w), "turned copy": lambda: to.copy_(w.t()), "copy": lambda: to.copy_(w)}
    print(f"  {who}: " + ", ".join(f"{name} {median_us(run, flushed):.0f} us" for name, run in times.items()), flush=True)


torch.zeros(1, device="cuda")
pointer = ctypes.c_ulonglong()
with torch.inference_mode():
    if len(sys.argv) > 1:
        driver.cuIpcOpenMemHandle_v2.argtypes = [ctypes.POINTER(ctypes.c_ulonglong), Handle, ctypes.c_uint]
        check(driver.cuIpcOpenMemHandle_v2(ctypes.byref(pointer), Handle.from_buffer_copy(bytes.fromhex(sys.argv[1])), 1))
        measure("who opened it", pointer.value)
        sys.exit()
    for size in (NEEDED, -(-NEEDED // PAGE) * PAGE):
        print(f"{size} bytes, {size / PAGE:.2f} large pages", flush=True)
        check(driver.cuMemAlloc_v2(ctypes.byref(pointer), ctypes.c_size_t(size)))
        measure("owner", pointer.value)
        handle = Handle()
        check(driver.cuIpcGetMemHandle(ctypes.byref(handle), pointer))
        subprocess.run([sys.executable, __file__, bytes(handle.bytes).hex()], check=True)
        check(driver.cuMemFree_v2(pointer))
