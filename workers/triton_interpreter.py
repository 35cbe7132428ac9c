"""Executes launches of one Triton candidate in Triton's interpreter, on the CPU and in the jail. Imports triton and
waits; serves one candidate, in a process of its own for each that connects, so that nothing is remembered between them.

Over descriptor 3, frames of a 4-byte little-endian length and that many bytes of JSON:
  worker: {"ready": "3.9.0"}
  kerf:   {"text": …}                     worker: {"kernels": [name, …]} or an error
  kerf:   {"serve": 1} + a socket         worker: {"serving": 1}
Over that socket, from the process that runs the candidate's plan (kerf-runner):
  {"kernel", "line", "grid": [extent], "descending": bool, "constexprs": {name: value}, "tune": {name: value},
   "tensors": [{"name", "type", "writable"}], "args": [{"tensor": index} | {"type", "value"}]},
  then a frame with the bytes of each tensor
  answer: {"done": 1}, then a frame with the bytes of each tensor that may be written; or an error:
  {"error": {"verdict", "rule", "message", "line"}}, line null where it is unknown.
Addresses are looked at before they are used: what is not of a tensor of the launch is an error of the candidate.
"""
import array
import dataclasses
import functools
import importlib.util
import json
import os
import select
import signal
import socket
import struct
import sys
import threading

import numpy as np
import triton
import triton.language as tl
from triton.runtime import interpreter

FILE = "/tmp/candidate.py"
ALIGNMENT = 256


def exactly(channel, count):
    parts = bytearray()
    while len(parts) < count:
        part = channel.recv(count - len(parts))
        if not part:
            os._exit(0)  # kerf is gone
        parts += part
    return bytes(parts)


def receive(channel):
    return exactly(channel, *struct.unpack("<I", exactly(channel, 4)))


def receive_with_socket(channel):
    header, ancillary, _, _ = channel.recvmsg(4, socket.CMSG_SPACE(4))
    if not header:
        os._exit(0)
    header += exactly(channel, 4 - len(header)) if len(header) < 4 else b""
    body = exactly(channel, *struct.unpack("<I", header))
    fds = array.array("i")
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds.frombytes(data[: len(data) - len(data) % fds.itemsize])
    return json.loads(body), [socket.socket(fileno=fd) for fd in fds]


def send(channel, body):
    if not isinstance(body, (bytes, memoryview)):
        body = json.dumps(body).encode()
    channel.sendall(struct.pack("<I", len(body)))
    channel.sendall(body)


class Fault(Exception):
    def __init__(self, verdict, rule, message):
        super().__init__(message)
        self.verdict, self.rule = verdict, rule


class Memory:
    """The tensors of one launch."""

    def __init__(self, kernel, tensors, contents):
        self.kernel, self.tensors, self.held, self.starts = kernel, tensors, [], []
        for content in contents:
            buffer = np.zeros(len(content) + 2 * ALIGNMENT, np.uint8)
            skip = -buffer.ctypes.data % ALIGNMENT
            view = buffer[skip : skip + len(content)]
            view[:] = np.frombuffer(content, np.uint8)
            self.held.append(view)
            self.starts.append(buffer.ctypes.data + skip)
        order = np.argsort(np.array(self.starts, np.uint64))
        self.order = order
        self.first = np.array(self.starts, np.uint64)[order]
        self.behind = self.first + np.array([len(v) for v in self.held], np.uint64)[order]
        self.writable = np.array([t["writable"] for t in tensors], bool)[order]

    def check(self, pointers, mask, size, writes):
        addresses = pointers[np.broadcast_to(mask, pointers.shape)] if mask is not None else pointers
        addresses = addresses.reshape(-1).astype(np.uint64)
        if addresses.size == 0:
            return
        at = np.searchsorted(self.first, addresses, side="right").astype(np.int64) - 1
        near = np.maximum(at, 0)
        outside = (at < 0) | (addresses + np.uint64(size) > self.behind[near])
        if outside.any():
            # The nearer of the two tensors between which it lies.
            i = int(np.argmax(outside))
            candidates = [k for k in (int(near[i]), min(int(near[i]) + 1, len(self.first) - 1))]
            distance = lambda k: max(int(self.first[k]) - int(addresses[i]), int(addresses[i]) - int(self.behind[k]))
            name = self.tensors[int(self.order[min(candidates, key=distance)])]["name"]
            raise Fault("crashed", "out_of_bounds", f"{self.kernel} {'writes' if writes else 'reads'} outside {name}")
        if writes and not self.writable[near].all():
            name = self.tensors[int(self.order[near[int(np.argmin(self.writable[near]))]])]["name"]
            raise Fault("crashed", "writes_input", f"{self.kernel} writes to {name}, which is read-only")


memory = None


def element_bytes(pointers):
    return max(1, pointers.get_element_ty().primitive_bitwidth // 8)


def guard():
    builder = interpreter.InterpreterBuilder
    load, store = builder.create_masked_load, builder.create_masked_store
    rmw, cas = builder.create_atomic_rmw, builder.create_atomic_cas

    def truth(mask):
        """The interpreter splats a scalar condition as an integer: what it is joined with is then no mask of NumPy's."""
        return interpreter.TensorHandle(mask.data.astype(bool), mask.dtype)

    def checked_load(self, ptrs, mask, *rest):
        mask = truth(mask)
        memory.check(ptrs.data, mask.data, element_bytes(ptrs), False)
        return load(self, ptrs, mask, *rest)

    def checked_store(self, ptrs, value, mask, *rest):
        mask = truth(mask)
        memory.check(ptrs.data, mask.data, element_bytes(ptrs), True)
        return store(self, ptrs, value, mask, *rest)

    def checked_rmw(self, op, ptr, val, mask, *rest):
        mask = truth(mask)
        memory.check(ptr.data, mask.data, element_bytes(ptr), True)
        return rmw(self, op, ptr, val, mask, *rest)

    def checked_cas(self, ptr, *rest):
        memory.check(ptr.data, None, element_bytes(ptr), True)
        return cas(self, ptr, *rest)

    dot = builder.create_dot

    def widened(handle):
        """NumPy has no bf16: the interpreter keeps its bits, and would multiply these."""
        if handle.dtype.scalar != tl.bfloat16:
            return handle
        return interpreter.TensorHandle((handle.data.astype(np.uint32) << 16).view(np.float32), tl.float32)

    def dot_of_numbers(self, a, b, *rest):
        return dot(self, widened(a), widened(b), *rest)

    builder.create_dot = dot_of_numbers
    builder.create_masked_load, builder.create_masked_store = checked_load, checked_store
    builder.create_atomic_rmw, builder.create_atomic_cas = checked_rmw, checked_cas


patched = set()  # in a launch: the modules whose functions find the language of the interpreter


def call(self, *args, **kwargs):
    """A function that a kernel calls. Triton's own would patch the language each time."""
    module = self.fn.__globals__["__name__"]
    if module not in patched:
        patched.add(module)
        interpreter._patch_lang(self.fn)
    return self.rewrite()(*args, **kwargs)


def spare():
    """What Triton does again with each operation, and nothing comes of: a third of the time and more."""
    builder = interpreter.interpreter_builder
    if not builder.options.debug:  # it would compute in 64 bits, too, whether a sum overflows, and not look
        builder.options = dataclasses.replace(builder.options, sanitize_overflow=False)
    of_element = functools.cache(interpreter._get_np_dtype)
    interpreter._get_np_dtype = lambda type: np.dtype(np.uint64) if type.scalar.is_ptr() else of_element(type.scalar)
    interpreter.InterpretedFunction.__call__ = call


def reduce_by_halves(self, input):
    """Neighbours are combined, all of them at once, until one is left: as a GPU does it, and a thousand times faster
    than the interpreter's own loop over single elements."""
    whole = self.axis is None
    datas, axis = [arg.handle.data for arg in input], 0 if whole else self.axis
    if whole:
        datas = [data.reshape(-1) for data in datas]
    while (count := datas[0].shape[axis]) > 1:
        take = lambda data, first: np.ascontiguousarray(data.take(range(first, count - count % 2, 2), axis=axis))
        left, right = ([self.to_tensor(take(data, k), arg.dtype) for data, arg in zip(datas, input)] for k in (0, 1))
        made = self.combine_fn.fn(*left, *right)
        made = made if isinstance(made, tuple) else (made,)
        joined = [np.broadcast_to(m.handle.data, l.handle.data.shape) for m, l in zip(made, left)]
        if count % 2:
            last = [data.take([count - 1], axis=axis) for data in datas]
            joined = [np.concatenate([j, l], axis=axis) for j, l in zip(joined, last)]
        datas = joined
    out = []
    for data, arg in zip(datas, input):
        if whole:
            data = data.reshape((1,) * len(arg.shape)) if self.keep_dims else data.reshape(-1)[0]
        elif not self.keep_dims:
            data = data.squeeze(axis)
            data = data.item() if data.ndim == 0 else data
        out.append(self.to_tensor(data, arg.dtype))
    return out


def scan_by_doubling(self, input):
    """Each element takes in the one 1, 2, 4, … before it, all of them at once: as a GPU does it, not one after the other."""
    datas = [arg.handle.data for arg in input]
    shape, step = datas[0].shape, 1
    place = np.arange(shape[self.axis]).reshape([-1 if d == self.axis else 1 for d in range(len(shape))])
    while step < shape[self.axis]:
        before = [self.to_tensor(np.roll(data, step, axis=self.axis), arg.dtype) for data, arg in zip(datas, input)]
        made = self.combine_fn.fn(*before, *(self.to_tensor(data, arg.dtype) for data, arg in zip(datas, input)))
        made = made if isinstance(made, tuple) else (made,)
        datas = [np.where(place < step, data, m.handle.data).astype(data.dtype) for data, m in zip(datas, made)]
        step *= 2
    return [self.to_tensor(data, arg.dtype) for data, arg in zip(datas, input)]


def argument(given, addresses):
    if "tensor" in given:
        type = tl.str_to_ty(given["type"], None)
        value = np.array([addresses[given["tensor"]]], np.uint64)
    elif given["type"] == "int":  # as the JIT sees it
        wide = not -(2**31) <= given["value"] < 2**31
        type, value = (tl.int64, np.array([given["value"]], np.int64)) if wide else (tl.int32, np.array([given["value"]], np.int32))
    else:
        type, kind = {"f32": (tl.float32, np.float32), "f64": (tl.float64, np.float64), "bool": (tl.int1, np.bool_),
                      "i32": (tl.int32, np.int32)}[given["type"]]
        value = np.array([given["value"]], kind)
    return tl.tensor(interpreter.TensorHandle(value, type), type)


def launch(module, request, contents):
    global memory
    memory = Memory(request["kernel"], request["tensors"], contents)
    kernel = getattr(module, request["kernel"])
    function = kernel.rewrite()
    annotations = kernel.fn.__annotations__
    is_constexpr = lambda name: "constexpr" in str(getattr(annotations.get(name), "__name__", annotations.get(name)))
    arguments, given = {}, iter(request["args"])
    for name in kernel.arg_names:
        if is_constexpr(name):
            arguments[name] = request["constexprs"].get(name, request["tune"].get(name))
        else:
            arguments[name] = argument(next(given), memory.starts)
    grid = tuple(request["grid"]) + (1,) * (3 - len(request["grid"]))
    scope = interpreter._patch_lang(kernel.fn)
    patched.clear()
    patched.add(kernel.fn.__globals__["__name__"])
    interpreter.interpreter_builder.set_grid_dim(*grid)
    programs = [(x, y, z) for x in range(grid[0]) for y in range(grid[1]) for z in range(grid[2])]
    try:
        with np.errstate(all="ignore"):
            for place in reversed(programs) if request["descending"] else programs:
                interpreter.interpreter_builder.set_grid_idx(*place)
                function(**arguments)
    finally:
        scope.restore()


def failure(error, kernel=""):
    line, fault, unsupported = None, None, None
    while error is not None:
        fault = error if isinstance(error, Fault) else fault
        unsupported = error if isinstance(error, NotImplementedError) else unsupported
        trace = error.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code.co_filename == FILE:
                line = trace.tb_lineno
            trace = trace.tb_next
        last, error = error, error.__cause__ or error.__context__
    if fault is not None:
        return {"error": {"verdict": fault.verdict, "rule": fault.rule, "message": str(fault), "line": line}}
    words = str(unsupported or last).strip() or type(last).__name__
    if unsupported is not None:
        return {"error": {"verdict": "", "rule": "", "message": f"unavailable: Triton's interpreter: {words}"[:500], "line": line}}
    return {"error": {"verdict": "crashed", "rule": "interpreter", "message": f"{kernel}: {words}"[:500], "line": line}}


def end_with(channel):
    poll = select.poll()
    poll.register(channel, select.POLLRDHUP | select.POLLHUP)
    poll.poll()
    os._exit(0)


def serve(module, channel):
    threading.Thread(target=end_with, args=(channel,), daemon=True).start()
    while True:
        request = json.loads(receive(channel))
        contents = [receive(channel) for _ in request["tensors"]]
        try:
            launch(module, request, contents)
        except BaseException as error:
            send(channel, failure(error, request["kernel"]))
            continue
        send(channel, {"done": 1})
        for held, tensor in zip(memory.held, request["tensors"]):
            if tensor["writable"]:
                send(channel, memoryview(held))


def functions_of(module):
    return {n: v for n, v in vars(module).items() if isinstance(v, interpreter.InterpretedFunction)}


def load(text):
    with open(FILE, "w") as file:
        file.write(text)
    spec = importlib.util.spec_from_file_location("candidate", FILE)
    module = importlib.util.module_from_spec(spec)
    sys.modules["candidate"] = module
    spec.loader.exec_module(module)
    for function in functions_of(module).values():
        function.rewrite()  # once for all processes that come of this one
    return module


def main():
    guard()
    spare()
    interpreter.ReduceOps.generic_reduce = reduce_by_halves
    interpreter.ScanOps.generic_scan = scan_by_doubling
    channel = socket.socket(fileno=3)
    send(channel, {"ready": triton.__version__})
    text = json.loads(receive(channel))["text"]
    try:
        module = load(text)
    except BaseException as error:
        send(channel, failure(error))
        return
    send(channel, {"kernels": list(functions_of(module))})
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        _, sockets = receive_with_socket(channel)
        if sockets and os.fork() == 0:
            channel.close()
            serve(module, sockets[0])
        for each in sockets:
            each.close()
        send(channel, {"serving": 1})


os.dup2(2, 1)
main()
