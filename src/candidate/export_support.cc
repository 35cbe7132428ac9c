#include "candidate/export_support.h"

namespace kerf {

namespace {

constexpr std::string_view beginning = R"py(
import ctypes as _ctypes
import functools as _functools
import hashlib as _hashlib
import inspect as _inspect
import operator as _operators
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
    if isinstance(value, _torch.Tensor):
        return _struct.pack("<Q", value.data_ptr())
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
    key = (name, device, _kerf_local.stream)
    tensor = kept.get(key)
    if tensor is None or tuple(tensor.shape) != tuple(shape) or tensor.dtype != dtype:
        tensor = kept[key] = _torch.empty(shape, dtype=dtype, device=device)
    if zero:
        tensor.zero_()
        if _kerf_local.recorded is not None:
            _kerf_local.recorded.append(lambda _: tensor.zero_())
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
    results = _operator(name)(*args, **kwargs)
    return tuple(results) if isinstance(results, (tuple, list)) else (results,)


def _storages(args, kwargs):
    return {t.untyped_storage().data_ptr() for t in _pytree.tree_leaves([args, kwargs]) if isinstance(t, _torch.Tensor)}


def _adopt(name, args, kwargs, targets):
    """The results, which become outputs: themselves where they look as those must and share memory with nothing given."""
    used, adopted = _storages(args, kwargs), []
    for target, result in zip(targets, _call(name, args, kwargs)):
        fits = result.shape == target.shape and result.stride() == target.stride() and result.dtype is target.dtype
        if not fits or result.untyped_storage().data_ptr() in used:
            result = _torch.empty_strided(target.shape, target.stride(), dtype=target.dtype, device=_kerf_local.device).copy_(result)
        adopted.append(result)
    return adopted


def _write(name, args, kwargs, targets):
    """Runs the operator so that its results end in tensors that are there already."""
    overload, outs = _out_overload(name)
    if overload is not None and len(outs) == len(targets):
        used = _storages(args, kwargs)
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


_KERF_FORWARD = list(_inspect.signature(Model.forward).parameters.values())[1:]
_KERF_PLAIN = all(p.kind == p.POSITIONAL_OR_KEYWORD for p in _KERF_FORWARD)
_KERF_PLACE = {p.name: i for i, p in enumerate(_KERF_FORWARD)}


def _kerf_tensors(model, args, kwargs):
    """The tensors that the plan names, in the order of KERF_TENSORS, or None where they are not what it was written for."""
    if kwargs or len(args) != len(_KERF_FORWARD) or not _KERF_PLAIN:
        bound = _inspect.signature(Model.forward).bind(model, *args, **kwargs)
        bound.apply_defaults()
        given = bound.arguments.get
    else:
        def given(name):
            return args[_KERF_PLACE[name]] if name in _KERF_PLACE else None

    tensors, where = [], None
    for name, (role, dtype, _) in KERF_TENSORS.items():
        value = given(name) if role == "input" else _kerf_attribute(name)(model)
        if not isinstance(value, _torch.Tensor) or value.dtype is not dtype or value.device.type != KERF_DEVICE:
            return None
        if KERF_DEVICE == "cuda" and value.data_ptr() % 16:  # kernels load whole vectors
            return None
        if where is None:
            where = value.device
        elif value.device != where:
            return None
        tensors.append(value)
    return tensors


@_functools.lru_cache(maxsize=None)
def _kerf_attribute(name):
    return _operators.attrgetter(name)


def _kerf_understand(model, args, kwargs, named, device):
    """Of these shapes; None where the plan does not support them."""
    try:
        outputs, nesting = _kerf_outputs(model, args, kwargs)
        outs = [_torch.empty_strided(s, stride, dtype=dtype, device="meta") for s, stride, dtype in outputs]
        good = len(outs) == KERF_OUTPUTS and all(t.numel() > 0 for t in [*outs, *named.values()]) and bool(
            _kerf_supports(named, model._kerf_init, outs))
    except Exception as error:
        _warnings.warn(f"the original model runs instead of kerf's kernels: {error}")
        return None
    if not good or (KERF_KERNELS and _kerf_library(device if device.type != "cpu" else None) is None):
        return None
    return _Known(outputs, None if nesting.is_leaf() else nesting)


def _kerf_stamp(tensors):
    """What changes when a parameter does: prepare steps are run again then."""
    return [(t.data_ptr(), object() if t.is_inference() else t._version)
            for t, (role, _, _) in zip(tensors, KERF_TENSORS.values()) if role == "state"] if KERF_PREPARES else None


class _Known:
    """Of tensors of these shapes: what the outputs are, what prepare steps gave, and the launches of a run where it is made of
    nothing else."""

    def __init__(self, outputs, nesting):
        self.outputs, self.nesting = outputs, nesting
        self.stamp, self.prepared, self.launches = None, None, None


_KERF_ENDLESS = 256  # a run of more launches is not kept
_KERF_NEW = object()


def _kerf_forward(model, args, kwargs):
    """What the plan computes, or None where it does not support what it is given."""
    if model._kerf_off:
        return None
    tensors = _kerf_tensors(model, args, kwargs)
    if tensors is None:
        return None
    device = tensors[0].device
    if KERF_DEVICE == "cuda" and device.index != _torch.cuda.current_device():
        with _torch.cuda.device(device):
            return _kerf_forward(model, args, kwargs)
    stream = _kerf_stream(device)
    key = (device.index, stream, _threading.get_ident(), *[(t.shape, t.stride()) for t in tensors])
    known = model._kerf_known.get(key, _KERF_NEW)
    if known is None:
        return None
    stamp = _kerf_stamp(tensors)
    if known is not _KERF_NEW and known.launches is not None and known.stamp == stamp:
        outs = [_torch.empty_strided(shape, stride, dtype=dtype, device=device) for shape, stride, dtype in known.outputs]
        addresses = [t.data_ptr() for t in tensors] + [t.data_ptr() for t in outs]
        for launch in known.launches:
            launch(addresses)
        return outs[0] if known.nesting is None else _pytree.tree_unflatten(outs, known.nesting)
    with _torch.no_grad():
        named = {name: t.detach().contiguous() if contiguous else t.detach()
                 for t, (name, (_, _, contiguous)) in zip(tensors, KERF_TENSORS.items())}
        if known is _KERF_NEW:  # not seen yet
            known = model._kerf_known[key] = _kerf_understand(model, args, kwargs, named, device)
            if known is None:
                return None
        outs = [_torch.empty_strided(shape, stride, dtype=dtype, device="meta" if i in KERF_ADOPTED else device)
                for i, (shape, stride, dtype) in enumerate(known.outputs)]
        _kerf_local.device, _kerf_local.stream = device, stream
        _kerf_local.index = {id(t): i for i, t in enumerate([*named.values(), *outs])}
        _kerf_local.addresses = [t.data_ptr() for t in [*named.values(), *outs]]
        _kerf_local.recorded = None
        if known.prepared is None or known.stamp != stamp:
            known.prepared, known.stamp = _kerf_prepare(named, model._kerf_init), stamp
        copied = any(t.data_ptr() != own.data_ptr() for t, own in zip(named.values(), tensors))
        _kerf_local.recorded = [] if KERF_LAUNCHES_ONLY and not copied else None
        _kerf_run(named, model._kerf_init, outs, known.prepared)
        if _kerf_local.recorded and len(_kerf_local.recorded) <= _KERF_ENDLESS:
            known.launches = _kerf_local.recorded
    return outs[0] if known.nesting is None else _pytree.tree_unflatten(outs, known.nesting)


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

    def __getstate__(self):  # copies and saved models begin anew
        return {**self.__dict__, "_kerf_known": {}}

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
  if (language == Language::cpp) {
    text += cpu_launcher;
  } else {
    text += export_cuda_launcher();
    text += language == Language::cuda ? export_nvrtc() : export_triton();
  }
  text += ending;
  return text;
}

}  // namespace kerf
