"""Compiles one Triton or Gluon candidate ahead of time, in the jail. kerf starts a process, which imports triton and
waits; it serves one candidate and ends, so that no source touches another one's result.

Over descriptor 3, frames of a 4-byte little-endian length and that many bytes of JSON:
  worker: {"ready": "3.9.0"}
  kerf:   {"text": …}                     worker: {"kernels": {name: {"line", "parameters": [{"name", "constexpr"}]}}}
  kerf:   {"architecture": 90,            worker: {"compiled": [{"cubin" (hexadecimal), "ptx", "symbol", "num_warps",
           "launches": [{"kernel",                  "shared_bytes", "scratch": [{"bytes", "alignment"}, …]}]}
            "signature": {name: type},
            "constexprs": {name: value}, "divisible": [name], "options": {…}}]}
  kerf:   {"architecture": 90,            worker: {"compiled": [as above]}
           "sources": [{"ttgir", "num_warps"}]}
"compiled" also holds "ttgir", the module in Triton's GPU dialect, of which the last request, which kerf may leave out, compiles a
changed one. Instead of an answer: {"error": {"message", "line", "column"}}, line and column (from 1) null where they are unknown.
What is specialised and how is decided by kerf (src/candidate/triton_manifest.h).
"""
import ast
import importlib.util
import json
import os
import socket
import struct
import sys

import triton
import triton.runtime.cache
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from triton.experimental.gluon._runtime import GluonASTSource
from triton.runtime.jit import JITFunction

FILE = "/tmp/candidate.py"
# Part of the key of Triton's own cache: a digest of its whole library, for which a process that compiles one candidate takes longer than
# for compiling. Nobody else has this process's cache.
triton.runtime.cache.triton_key = lambda: triton.__version__


def receive(channel):
    def exactly(count):
        parts = b""
        while len(parts) < count:
            part = channel.recv(count - len(parts))
            if not part:
                sys.exit(0)  # kerf is gone
            parts += part
        return parts

    return json.loads(exactly(*struct.unpack("<I", exactly(4))))


def send(channel, message):
    body = json.dumps(message).encode()
    channel.sendall(struct.pack("<I", len(body)) + body)


def functions(text):
    return {node.name: node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)}


def place(error, text):
    """Line and column in the candidate of what went wrong, as far as the error or its causes say it."""
    found = (None, None)
    while error is not None:
        node, source = getattr(error, "node", None), getattr(error, "src", None)
        if isinstance(error, SyntaxError):
            found = (error.lineno, error.offset)
        elif node is not None and isinstance(source, str) and hasattr(node, "lineno"):
            # Lines count from the `def` of the function that is being compiled.
            name = source.partition("def ")[2].partition("(")[0].strip()
            if (function := functions(text).get(name)) is not None:
                found = (function.lineno + node.lineno - 1, function.col_offset + node.col_offset + 1)
        else:
            trace = error.__traceback__
            while trace is not None:
                if trace.tb_frame.f_code.co_filename == FILE and found == (None, None):
                    found = (trace.tb_lineno, 1)
                trace = trace.tb_next
        error = error.__cause__
    return found


def failure(error, text):
    line, column = place(error, text)
    message = getattr(error, "error_message", None) or str(error).strip() or type(error).__name__
    return {"error": {"message": message[:2000], "line": line, "column": column}}


def load(text):
    with open(FILE, "w") as file:
        file.write(text)
    spec = importlib.util.spec_from_file_location("candidate", FILE)
    module = importlib.util.module_from_spec(spec)
    sys.modules["candidate"] = module
    spec.loader.exec_module(module)
    return module


def describe(module, text):
    lines = {name: node.lineno for name, node in functions(text).items()}
    return {
        name: {"line": lines.get(name),
               "parameters": [{"name": p.name, "constexpr": bool(p.is_constexpr)} for p in value.params]}
        for name, value in vars(module).items() if isinstance(value, JITFunction) and name in lines
    }


def compile_one(module, launch, architecture):
    kernel = getattr(module, launch["kernel"])
    index = {name: i for i, name in enumerate(kernel.arg_names)}
    constants = {(index[name],): value for name, value in launch["constexprs"].items()}
    hints = {(index[name],): [["tt.divisibility", 16]] for name in launch["divisible"]}
    source = (GluonASTSource if kernel.is_gluon() else ASTSource)(kernel, launch["signature"], constexprs=constants, attrs=hints)
    return describe_image(triton.compile(source, target=GPUTarget("cuda", architecture, 32), options=launch["options"]))


def compile_ttgir(source, architecture):
    with open("/tmp/module.ttgir", "w") as file:
        file.write(source["ttgir"])
    return describe_image(triton.compile("/tmp/module.ttgir", target=GPUTarget("cuda", architecture, 32),
                                         options={"num_warps": source["num_warps"]}))


def describe_image(made):
    metadata = made.metadata
    scratch = [{"bytes": getattr(metadata, kind + "_scratch_size", 0) or 0,
                "alignment": getattr(metadata, kind + "_scratch_align", 1) or 1} for kind in ("global", "profile")]
    return {"cubin": made.asm["cubin"].hex(), "ptx": made.asm["ptx"], "ttgir": made.asm["ttgir"], "symbol": metadata.name,
            "num_warps": metadata.num_warps, "num_ctas": getattr(metadata, "num_ctas", 1),
            "shared_bytes": metadata.shared, "scratch": scratch}


def main():
    channel = socket.socket(fileno=3)
    send(channel, {"ready": triton.__version__})
    text = receive(channel)["text"]
    try:
        module = load(text)
        answer = {"kernels": describe(module, text)}
    except BaseException as error:
        send(channel, failure(error, text))
        return
    send(channel, answer)
    request = receive(channel)
    try:
        compiled = [compile_one(module, launch, request["architecture"]) for launch in request["launches"]]
    except BaseException as error:
        send(channel, failure(error, text))
        return
    send(channel, {"compiled": compiled})
    request = receive(channel)
    try:
        compiled = [compile_ttgir(source, request["architecture"]) for source in request["sources"]]
    except BaseException as error:
        send(channel, failure(error, text))
        return
    send(channel, {"compiled": compiled})


os.dup2(2, 1)
main()
