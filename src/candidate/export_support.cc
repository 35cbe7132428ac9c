#include "candidate/export_support.h"

namespace kerf {

namespace {

constexpr std::string_view beginning = R"py(
import ctypes as _ctypes
import functools as _functools
import hashlib as _hashlib
import inspect as _inspect
import os as _os
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
    return _struct.pack("<q", value)


)py";

constexpr std::string_view cpu_launcher = R"py(def _kerf_machine():
    try:
        with open("/proc/cpuinfo") as info:
            return "".join(sorted({line for line in info if line.startswith(("model name", "flags"))}))
    except OSError:
        return ""


@_functools.lru_cache(maxsize=None)
def _kerf_library(device):
    """The compiled kernels, or None where there is no compiler. Compiled once per machine and source."""
    tried = []
    for compiler in (_os.environ.get("CXX"), "g++", "c++", "clang++", "clang++-19"):
        path = compiler and _shutil.which(compiler)
        if not path:
            continue
        for openmp in (["-fopenmp"], []):
            command = [path, *KERF_FLAGS, *openmp, "-shared", "-fPIC", "-w", "-x", "c++", "-"]
            key = _hashlib.sha256("\0".join([KERF_SOURCE, *command, _kerf_machine()]).encode()).hexdigest()
            library = _os.path.join(_kerf_cache(), key + ".so")
            if not _os.path.exists(library):
                handle, made = _tempfile.mkstemp(suffix=".so", dir=_kerf_cache())
                _os.close(handle)
                run = _subprocess.run([*command, "-o", made], input=KERF_SOURCE, text=True, capture_output=True)
                if run.returncode != 0:
                    _os.unlink(made)
                    tried.append(f"{' '.join(command)}: {run.stderr.strip()[:500]}")
                    continue
                _os.replace(made, library)
            loaded = _ctypes.CDLL(library)
            loaded.kerf_launch.argtypes = [_ctypes.c_long, _ctypes.c_char_p, _ctypes.c_long, _ctypes.c_ulonglong,
                                           _ctypes.c_char_p, _ctypes.c_long, _ctypes.c_long]
            loaded.kerf_launch.restype = None
            return loaded
    _warnings.warn("no C++ compiler works here, the original model runs instead: " + ("; ".join(tried) or "none found"))
    return None


def _launch(kernel, args, grid):
    indexed = sum(1 << i for i, value in enumerate(args) if value is _kerf_thread)
    slots = b"".join(_slot(0 if value is _kerf_thread else value) for value in args)
    _kerf_library(None).kerf_launch(KERF_KERNELS.index(kernel), slots, len(args), indexed,
                                _struct.pack(f"<{len(grid)}q", *grid), len(grid), _torch.get_num_threads())


def _kerf_stream(device):
    return 0


)py";

constexpr std::string_view ending = R"py(def _scratch(name, dtype, shape, zero=False):
    """Kept from run to run, as kerf's runner does: nothing in it is promised unless it is zeroed."""
    device = _kerf_local.device
    kept = _kerf_local.__dict__.setdefault("scratch", {})
    key = (name, device, _kerf_stream(device))
    tensor = kept.get(key)
    if tensor is None or tuple(tensor.shape) != tuple(shape) or tensor.dtype != dtype:
        tensor = kept[key] = _torch.empty(shape, dtype=dtype, device=device)
    return tensor.zero_() if zero else tensor


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
    results = _operator(name)(*args, **kwargs)
    return tuple(results) if isinstance(results, (tuple, list)) else (results,)


def _write(name, args, kwargs, targets):
    """Runs the operator so that its results end in tensors that are there already."""
    overload, outs = _out_overload(name)
    if overload is not None and len(outs) == len(targets):
        used = {t.untyped_storage().data_ptr() for t in _pytree.tree_leaves([args, kwargs]) if isinstance(t, _torch.Tensor)}
        if not any(t.untyped_storage().data_ptr() in used for t in targets):
            overload(*args, **kwargs, **dict(zip(outs, targets)))
            return
    for target, result in zip(targets, _call(name, args, kwargs)):
        target.copy_(result)


def _kerf_outputs(model, args, kwargs):
    """Shapes, strides and dtypes of the outputs, found without computing anything, and how they are nested."""
    from torch._subclasses.fake_tensor import FakeTensorMode

    mode = FakeTensorMode(allow_non_fake_inputs=True)

    def fake(value):
        return mode.from_tensor(value) if isinstance(value, _torch.Tensor) else value

    with mode, _torch.no_grad():
        state = {name: fake(value) for name, value in [*model.named_parameters(), *model.named_buffers()]}
        model._kerf_off = True
        try:
            out = _torch.func.functional_call(model, state, _pytree.tree_map(fake, args), _pytree.tree_map(fake, kwargs))
        finally:
            model._kerf_off = False
    leaves, nesting = _pytree.tree_flatten(out)
    return [(tuple(t.shape), t.stride(), t.dtype) for t in leaves], nesting


def _kerf_named(model, args, kwargs):
    """The tensors that the plan names, or None where they are not what it was written for."""
    bound = _inspect.signature(Model.forward).bind(model, *args, **kwargs)
    bound.apply_defaults()
    named = {}
    for name, (role, dtype, contiguous) in KERF_TENSORS.items():
        value = bound.arguments.get(name) if role == "input" else _functools.reduce(getattr, name.split("."), model)
        if not isinstance(value, _torch.Tensor) or value.device.type != KERF_DEVICE or value.dtype != dtype or value.numel() == 0:
            return None
        named[name] = value.detach().contiguous() if contiguous else value.detach()
    return named if len({t.device for t in named.values()}) == 1 else None


def _kerf_forward(model, args, kwargs):
    """What the plan computes, or None where it does not support what it is given."""
    if model._kerf_off:
        return None
    named = _kerf_named(model, args, kwargs)
    if named is None:
        return None
    device = next(iter(named.values())).device
    key = (device, *((tuple(t.shape), t.stride()) for t in named.values()))
    if key not in model._kerf_known:
        try:
            outputs, nesting = _kerf_outputs(model, args, kwargs)
            outs = [_torch.empty_strided(s, stride, dtype=dtype, device="meta") for s, stride, dtype in outputs]
            good = len(outs) == KERF_OUTPUTS and all(t.numel() > 0 for t in outs) and bool(
                _kerf_supports(named, model._kerf_init, outs))
        except Exception as error:
            _warnings.warn(f"the original model runs instead of kerf's kernels: {error}")
            outputs, nesting, good = None, None, False
        if good and KERF_KERNELS and _kerf_library(device if device.type != "cpu" else None) is None:
            good = False
        model._kerf_known[key] = (outputs, nesting) if good else None
    known = model._kerf_known[key]
    if known is None:
        return None
    outputs, nesting = known
    with _torch.no_grad():
        outs = [_torch.empty_strided(shape, stride, dtype=dtype, device=device) for shape, stride, dtype in outputs]
        _kerf_local.device = device
        _kerf_run(named, model._kerf_init, outs)
    return _pytree.tree_unflatten(outs, nesting)


class ModelNew(Model):
    """Model with forward replaced, for inference: gradients do not flow through it. Parameters and state_dict are Model's."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        bound = _inspect.signature(Model.__init__).bind(self, *args, **kwargs)
        bound.apply_defaults()
        self._kerf_init = {k: v for k, v in bound.arguments.items() if v is not self}
        self._kerf_known = {}
        self._kerf_off = False
        if KERF_EVAL:
            self.eval()

    def forward(self, *args, **kwargs):
        result = _kerf_forward(self, args, kwargs)
        return super().forward(*args, **kwargs) if result is None else result
)py";

}  // namespace

std::string_view export_launcher() {
  return R"cpp(
#line 1 "kerf_launch"
#ifdef _OPENMP
    extern "C" int omp_get_thread_num();
#endif
    // Argument i is the 8 bytes slots[i]; those whose bit is set in `indexed` get the index of the thread that runs the
    // task.
    extern "C" __attribute__((visibility("default"))) void kerf_launch(long kernel, const unsigned long long* slots,
                                                                       long count, unsigned long long indexed,
                                                                       const long* grid, long dims, long threads) {
      long tasks = 1;
      for (long d = 0; d < dims; ++d) tasks *= grid[d];
      if (threads > tasks) threads = tasks;
      const long chunk = tasks / (threads * 8) > 1 ? tasks / (threads * 8) : 1;
      long next = 0;
#ifdef _OPENMP
#pragma omp parallel num_threads((int)threads) if (threads > 1)
#endif
      {
        unsigned long long own[64];
        void* args[64];
        long me = 0;
#ifdef _OPENMP
        me = omp_get_thread_num();
#endif
        for (long i = 0; i < count; ++i) {
          own[i] = (indexed >> i & 1) ? (unsigned long long)me : slots[i];
          args[i] = &own[i];
        }
        for (;;) {
          const long begin = __atomic_fetch_add(&next, chunk, __ATOMIC_RELAXED);
          if (begin >= tasks) break;
          kerf_kernels[kernel].run(args, count, grid, dims, begin, begin + chunk < tasks ? begin + chunk : tasks);
        }
      }
    }
  )cpp";
}

std::string export_python_support(Language language) {
  std::string text(beginning);
  text += language == Language::cuda ? export_cuda_launcher() : cpu_launcher;
  text += ending;
  return text;
}

}  // namespace kerf
