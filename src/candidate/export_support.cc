#include "candidate/export_support.h"

namespace kerf {

namespace {

constexpr std::string_view beginning = R"py(
import ctypes as _ctypes
import functools as _functools
import hashlib as _hashlib
import inspect as _inspect
import math as _math
import operator as _operators
import os as _os
import re as _re
import shutil as _shutil
import struct as _struct
import subprocess as _subprocess
import tempfile as _tempfile
import threading as _threading
import warnings as _warnings

from torch.utils import _pytree

_KERF_DTYPES = {
    _torch.float64: "f64", _torch.float32: "f32", _torch.bfloat16: "bf16", _torch.float16: "f16", _torch.int64: "i64",
    _torch.int32: "i32", _torch.int16: "i16", _torch.int8: "i8", _torch.uint8: "u8", _torch.bool: "bool",
}
_kerf_local = _threading.local()
_kerf_thread = object()  # as an argument: the index of the thread that runs the task


# What expressions of plans know beside Python's own. An argument is passed as float unless it is an f64.
class _i32(int):
    pass


class _f32(float):
    pass


class _f64(float):
    pass


def _cdiv(a, b):
    return -(-a // b)


def _next_pow2(n):
    return 1 << max(0, (n - 1).bit_length())


def _numel(tensor):
    return tensor.numel()


def _dtype(tensor):
    return _KERF_DTYPES[tensor.dtype]


def _kerf_cache():
    base = _os.environ.get("XDG_CACHE_HOME") or _os.path.join(_os.path.expanduser("~"), ".cache")
    folder = _os.path.join(base, "kerf-exported")
    _os.makedirs(folder, mode=0o700, exist_ok=True)
    return folder


def _slot(value):
    if isinstance(value, bool):
        return _struct.pack("<q", value)
    if isinstance(value, _i32):
        return _struct.pack("<i4x", value)
    if isinstance(value, _f64):
        return _struct.pack("<d", value)
    if isinstance(value, float):
        return _struct.pack("<f4x", value)
    if isinstance(value, _torch.Tensor):
        return _struct.pack("<Q", value.data_ptr())
    return _struct.pack("<q", value)


)py";

constexpr std::string_view calls = R"py(def _scratch(name, dtype, shape):
    """Kept from run to run, as kerf's runner does: nothing in it is promised."""
    device = _kerf_local.device
    kept = _kerf_local.__dict__.setdefault("scratch", {})
    key = (name, device, _kerf_local.bound)
    tensor = kept.get(key)
    if tensor is None or tuple(tensor.shape) != tuple(shape) or tensor.dtype != dtype:
        tensor = kept[key] = _torch.empty(shape, dtype=dtype, device=device)
    return tensor


@_functools.lru_cache(maxsize=None)
def _operator(name):
    namespace, operator, *overload = name.split(".")
    return getattr(getattr(getattr(_torch.ops, namespace), operator), overload[0] if overload else "default")


@_functools.lru_cache(maxsize=None)
def _out_overload(name):
    """The overload that takes the same arguments followed by tensors to write, and their names."""
    plain = _operator(name)
    wanted = [(a.name, str(a.type)) for a in plain._schema.arguments]
    for overload in plain.overloadpacket.overloads():
        other = getattr(plain.overloadpacket, overload)
        given = [(a.name, str(a.type)) for a in other._schema.arguments if not a.is_out]
        outs = [a.name for a in other._schema.arguments if a.is_out]
        if outs and given == wanted and len(outs) == len(plain._schema.returns):
            return other, outs
    return None, []


def _call(name, args, kwargs):
    results = _do(_operator(name), *args, **kwargs)
    return tuple(results) if isinstance(results, (tuple, list)) else (results,)


def _zeros(*scratch):
    """Scratch that every run finds zeroed, (name, dtype, shape) each: in one piece, which one call zeroes."""
    begins, end = [], 0
    for _, dtype, shape in scratch:
        begins.append(end)
        end += -(-_math.prod(shape) * dtype.itemsize // 256) * 256
    memory = _scratch("+".join(name for name, _, _ in scratch), _torch.uint8, (end,))
    _kerf_zero(memory)
    return [memory[begin:begin + _math.prod(shape) * dtype.itemsize].view(dtype).view(shape)
            for begin, (_, dtype, shape) in zip(begins, scratch)]


def _storages(values):
    return {t.untyped_storage().data_ptr() for t in _pytree.tree_leaves(values) if isinstance(t, _torch.Tensor)}


def _fits(result, like):
    return result.shape == like.shape and result.stride() == like.stride() and result.dtype is like.dtype


def _fresh(result, like):
    """A tensor of its own with what is in `result`, laid out like `like`."""
    return _torch.empty_strided(like.shape, like.stride(), dtype=like.dtype, device=result.device).copy_(result)


def _adopt(name, args, kwargs, targets):
    """The results, which become outputs: themselves where they look as those must and share memory with nothing given."""
    used = _storages([args, kwargs])
    return [result if _fits(result, target) and not used & _storages(result) else _do(_fresh, result, target)
            for target, result in zip(targets, _call(name, args, kwargs))]


def _take(name, args, kwargs, targets, others):
    """The results, which become scratch, (name, dtype, shape) each: themselves where they look as it must and share memory with
    nothing that is still to be used."""
    used, taken = _storages([others, _kerf_local.given]), []
    for (scratch, dtype, shape), result in zip(targets, _call(name, args, kwargs)):
        memory = result.untyped_storage()
        own = memory.data_ptr() not in used and result.numel() * result.element_size() == memory.nbytes()
        if own and result.dtype is dtype and tuple(result.shape) == tuple(shape) and result.is_contiguous():
            taken.append(result)
        else:
            taken.append(_scratch(scratch, dtype, shape))
            _copy(taken[-1], result)
        used |= _storages(taken[-1:])
    return taken


def _copy(target, result):
    _do(target.__class__.copy_, target, result)


def _write(name, args, kwargs, targets):
    """Runs the operator so that its results end in tensors that are there already."""
    overload, outs = _out_overload(name)
    if overload is not None and len(outs) == len(targets):
        used = _storages([args, kwargs])
        if not any(t.untyped_storage().data_ptr() in used for t in targets):
            _do(overload, *args, **kwargs, **dict(zip(outs, targets)))
            return
    for target, result in zip(targets, _call(name, args, kwargs)):
        _copy(target, result)


)py";

}  // namespace

std::string export_python_support(Language language) {
  std::string text(beginning);
  if (language == Language::cpp) {
    text += export_cpu_launcher();
  } else {
    text += export_cuda_launcher();
    text += language == Language::cuda ? export_nvrtc() : export_triton();
  }
  text += export_run();
  text += calls;
  text += export_model();
  return text;
}

}  // namespace kerf
