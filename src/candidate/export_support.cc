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
    args = [0 if value is _kerf_thread else value for value in args]
    slots = _slots(args)
    _kerf_begin(_kerf_library(None).kerf_launch,
                (KERF_KERNELS.index(kernel), _ctypes.cast(slots, _ctypes.c_char_p), len(args), indexed,
                 _struct.pack(f"<{len(grid)}q", *grid), len(grid), _torch.get_num_threads()), None, slots, args)


def _kerf_zero(tensor):
    _do(tensor.zero_)


def _kerf_bounds(device):
    """What launches are bound to beside the thread: functions with what they are given."""
    return [(_torch.get_num_threads,)]


)py";

constexpr std::string_view ending = R"py(def _scratch(name, dtype, shape):
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
# Of each tensor: its dtype, and which argument of forward it is, or where the model has it.
_KERF_WHERE = [(dtype, _KERF_PLACE.get(name), None) if role == "input" else (dtype, None, name.split("."))
               for name, (role, dtype, _) in KERF_TENSORS.items()]


def _kerf_of_model(model, path):
    """A parameter or a buffer; by way of Module's own tables, which takes a fifth of the time of its attributes."""
    owner = model
    try:
        for part in path[:-1]:
            owner = owner._modules[part]
        found = owner._parameters.get(path[-1])
        return owner._buffers[path[-1]] if found is None else found
    except (AttributeError, KeyError):
        return _operators.attrgetter(".".join(path))(model)


def _kerf_tensors(model, args, kwargs):
    """The tensors that the plan names, in the order of KERF_TENSORS, or None where they are not what it was written for."""
    if kwargs or len(args) != len(_KERF_FORWARD) or not _KERF_PLAIN:
        bound = _inspect.signature(Model.forward).bind(model, *args, **kwargs)
        bound.apply_defaults()
        args = [bound.arguments.get(p.name) for p in _KERF_FORWARD]
    tensors, where, on_gpu = [], None, KERF_DEVICE == "cuda"
    for dtype, place, path in _KERF_WHERE:
        value = _kerf_of_model(model, path) if path else args[place] if place is not None else None
        if not isinstance(value, _torch.Tensor) or value.dtype is not dtype or not (value.is_cuda if on_gpu else value.is_cpu):
            return None
        if value.is_neg() or (on_gpu and value.data_ptr() % 16):  # memory has the negated; kernels load whole vectors
            return None
        if where is None:
            where = value.get_device()
        elif value.get_device() != where:
            return None
        tensors.append(value)
    return tensors


def _kerf_understand(model, args, kwargs, named, device):
    """Of these shapes; None where the plan does not support them."""
    try:
        outputs, nesting = _kerf_outputs(model, args, kwargs)
        outs = [_torch.empty_strided(s, stride, dtype=dtype, device="meta") for s, stride, dtype in outputs]
        good = len(outs) == len(KERF_OUTPUTS) and all(t.numel() > 0 for t in [*outs, *named.values()])
        good = good and all(t.is_contiguous() or not contiguous or i in KERF_ADOPTED
                            for i, (t, contiguous) in enumerate(zip(outs, KERF_OUTPUTS)))
        good = good and bool(_kerf_supports(named, model._kerf_init, outs))
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
    """Of tensors of these shapes: what the outputs are, what prepare steps gave, a run as it was learned, and the shortcut to it."""

    def __init__(self, outputs, nesting):
        self.outputs, self.nesting = outputs, nesting
        self.stamp, self.prepared, self.run, self.again, self.steps = None, None, None, None, 0


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
    bound = tuple(function(*given) for function, *given in _kerf_bounds(device))
    key = (bound, _threading.get_ident(), *[(t.shape, t.stride()) for t in tensors])
    known = model._kerf_known.get(key, _KERF_NEW)
    if known is None:
        return None
    stamp = _kerf_stamp(tensors)
    if known is not _KERF_NEW and known.run is not None and known.stamp == stamp:
        result = known.run(*tensors)
    else:
        with _torch.no_grad():
            named = {name: t.detach().contiguous() if contiguous else t.detach()
                     for t, (name, (_, _, contiguous)) in zip(tensors, KERF_TENSORS.items())}
            if known is _KERF_NEW:  # not seen yet
                known = model._kerf_known[key] = _kerf_understand(model, args, kwargs, named, device)
                if known is None:
                    return None
            result = _kerf_learn(model, known, tensors, named, stamp, device, bound)
    # What comes next is likely to look like this.
    again = known.again
    if again is None or again.__globals__["run"] is not known.run or not again.__globals__["check"](*tensors):
        known.again = _kerf_shortcut(model, tensors, known, device, bound)
    others = [shortcut for shortcut in model._kerf_shortcuts if shortcut is not again]
    model.__dict__["_kerf_shortcuts"] = [known.again, *others][:_KERF_SHORTCUTS] if known.again else others
    return result


def _kerf_learn(model, known, tensors, named, stamp, device, bound):
    """The first run on tensors of these shapes, or the first since parameters changed that prepare steps were given."""
    known.run = None
    outs = [_torch.empty_strided(shape, stride, dtype=dtype, device="meta" if i in KERF_ADOPTED else device)
            for i, (shape, stride, dtype) in enumerate(known.outputs)]
    made = [t for i, t in enumerate(outs) if i not in KERF_ADOPTED]
    _kerf_local.device, _kerf_local.bound, _kerf_local.given = device, bound, [*named.values(), *outs]
    try:
        if known.prepared is None or known.stamp != stamp:
            _kerf_local.learned = _Learned([], [])
            known.prepared, known.stamp = _kerf_prepare(named, model._kerf_init), stamp
        learned = _kerf_local.learned = _Learned(named.values(), made)
        _kerf_run(named, model._kerf_init, outs, known.prepared)
    finally:
        _kerf_local.learned, _kerf_local.given = None, None
    if all(t.data_ptr() == own.data_ptr() for t, own in zip(named.values(), tensors)):  # or else it begins with a copy
        known.run, known.steps = learned.run(outs, known.nesting), learned.steps
    return outs[0] if known.nesting is None else _pytree.tree_unflatten(outs, known.nesting)


class ModelNew(Model):
    """Model with forward replaced, for inference: gradients do not flow through it. Parameters and state_dict are Model's."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        bound = _inspect.signature(Model.__init__).bind(self, *args, **kwargs)
        bound.apply_defaults()
        self._kerf_init = {k: v for k, v in bound.arguments.items() if v is not self}
        self._kerf_known, self._kerf_shortcuts = {}, []
        self._kerf_off = False
        if KERF_EVAL:
            self.eval()

    def __getstate__(self):  # copies and saved models begin anew
        return {**self.__dict__, "_kerf_known": {}, "_kerf_shortcuts": []}

    def forward(self, *args, **kwargs):
        if not kwargs:
            for again in self._kerf_shortcuts:
                result = again(self, args)
                if result is not None:
                    return result
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
  text += export_run();
  text += ending;
  return text;
}

}  // namespace kerf
