#include "candidate/export_support.h"

namespace kerf {

std::string_view export_cuda_launcher() {
  return R"py(
class _Attribute(_ctypes.Structure):
    """CUlaunchAttribute of cuda.h: 64 bytes of value, of which we use the first three integers."""

    _fields_ = [("id", _ctypes.c_int), ("padding", _ctypes.c_int), ("value", _ctypes.c_uint * 16)]


class _Config(_ctypes.Structure):
    """CUlaunchConfig of cuda.h."""

    _fields_ = [("grid", _ctypes.c_uint * 3), ("block", _ctypes.c_uint * 3), ("shared", _ctypes.c_uint),
                ("stream", _ctypes.c_void_p), ("attributes", _ctypes.POINTER(_Attribute)), ("count", _ctypes.c_uint)]


_CLUSTER, _COOPERATIVE, _MAX_SHARED = 4, 2, 8


def _kerf_load(paths):
    for path in paths:
        try:
            return _ctypes.CDLL(path)
        except OSError:
            pass
    raise OSError(f"none of {', '.join(paths)} can be loaded")


class _Driver:
    def __init__(self):
        self.driver = _kerf_load(["libcuda.so.1"])

    def check(self, code, what):
        if code != 0:
            name = _ctypes.c_char_p()
            self.driver.cuGetErrorName(code, _ctypes.byref(name))
            raise RuntimeError(f"{what} fails: {(name.value or b'?').decode()}")


@_functools.lru_cache(maxsize=None)
def _kerf_library(device):
    try:
        return _Kernels(device)
    except (ImportError, OSError, RuntimeError) as error:
        _warnings.warn(f"kerf's kernels cannot be compiled or loaded here, the original model runs instead: {error}")
        return None


def _kerf_bounds(device):
    """What launches are bound to beside the thread: functions with what they are given. The stream comes last."""
    if KERF_DEVICE != "cuda":
        return []
    return [(_torch._C._cuda_getDevice,), (_torch._C._cuda_getCurrentRawStream, device.index)]


def _kerf_launch(kernels, kernel, function, args, grid, block, shared=0, cluster=(), cooperative=False):
    slots = _slots(args)
    first = _ctypes.addressof(slots)
    pointers = (_ctypes.c_void_p * len(slots))(*(first + 8 * i for i in range(len(slots))))
    attributes, used = (_Attribute * 2)(), 0
    if cluster:
        attributes[used] = _Attribute(_CLUSTER, 0, (*cluster, *[1] * (3 - len(cluster))))
        used += 1
    if cooperative:
        attributes[used] = _Attribute(_COOPERATIVE, 0, (1,))
        used += 1
    config = _Config((*grid, *[1] * (3 - len(grid))), (*block, *[1] * (3 - len(block))), shared, _kerf_local.bound[-1],
                     attributes, used)
    _kerf_begin(kernels.driver.cuLaunchKernelEx, (_ctypes.byref(config), function, pointers, None),
                _functools.partial(kernels.check, what=kernel), slots, args)


def _kerf_zero(tensor):
    if KERF_DEVICE != "cuda":
        _do(tensor.zero_)
        return
    kernels = _kerf_library(_kerf_local.device)
    _kerf_begin(kernels.driver.cuMemsetD8Async,
                (_ctypes.c_void_p(tensor.data_ptr()), _ctypes.c_ubyte(0), _ctypes.c_size_t(tensor.numel()),
                 _ctypes.c_void_p(_kerf_local.bound[-1])), _functools.partial(kernels.check, what="cuMemsetD8Async"), (), (tensor,))


)py";
}

std::string_view export_nvrtc() {
  return R"py(@_functools.lru_cache(maxsize=None)
def _kerf_nvrtc():
    """NVIDIA's compiler: of the packages beside PyTorch, of a CUDA installation, of the system."""
    import glob
    import importlib.util

    spec = importlib.util.find_spec("nvidia")
    folders = list(spec.submodule_search_locations or []) if spec else []
    found = [p for folder in folders for p in glob.glob(_os.path.join(folder, "*", "lib*", "libnvrtc.so*"))]
    for home in (_os.environ.get("CUDA_HOME"), "/usr/local/cuda"):
        found += glob.glob(_os.path.join(home, "lib64", "libnvrtc.so*")) if home else []
    for path in found:  # NVRTC opens its builtins by name: they must be there already
        for builtins in glob.glob(_os.path.join(_os.path.dirname(path), "libnvrtc-builtins.so*")):
            if ".alt" not in builtins:
                _ctypes.CDLL(builtins)
    return _kerf_load([p for p in found if ".alt" not in p] + ["libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so"])


def _kerf_compile(architecture):
    """(cubin, {kernel: symbol}), compiled once per source and architecture."""
    key = _hashlib.sha256("\0".join([KERF_SOURCE, *KERF_FLAGS, architecture]).encode()).hexdigest()
    image = _os.path.join(_kerf_cache(), key + ".cubin")
    names = _os.path.join(_kerf_cache(), key + ".names")
    if _os.path.exists(names):
        with open(image, "rb") as kept, open(names) as symbols:
            return kept.read(), dict(zip(KERF_KERNELS, symbols.read().split("\n")))
    nvrtc, program = _kerf_nvrtc(), _ctypes.c_void_p()

    def check(code):
        if code != 0:
            size = _ctypes.c_size_t()
            nvrtc.nvrtcGetProgramLogSize(program, _ctypes.byref(size))
            log = _ctypes.create_string_buffer(max(1, size.value))
            nvrtc.nvrtcGetProgramLog(program, log)
            raise RuntimeError(f"NVRTC fails ({code}): {log.value.decode(errors='replace').strip()[:500]}")

    check(nvrtc.nvrtcCreateProgram(_ctypes.byref(program), KERF_SOURCE.encode(), b"candidate", 0, None, None))
    for kernel in KERF_KERNELS:
        check(nvrtc.nvrtcAddNameExpression(program, kernel.encode()))
    options = [f"--gpu-architecture={architecture}".encode(), *(flag.encode() for flag in KERF_FLAGS)]
    check(nvrtc.nvrtcCompileProgram(program, len(options), (_ctypes.c_char_p * len(options))(*options)))
    symbols = {}
    for kernel in KERF_KERNELS:
        symbol = _ctypes.c_char_p()
        check(nvrtc.nvrtcGetLoweredName(program, kernel.encode(), _ctypes.byref(symbol)))
        symbols[kernel] = symbol.value.decode()
    size = _ctypes.c_size_t()
    check(nvrtc.nvrtcGetCUBINSize(program, _ctypes.byref(size)))
    cubin = _ctypes.create_string_buffer(size.value)
    check(nvrtc.nvrtcGetCUBIN(program, cubin))
    nvrtc.nvrtcDestroyProgram(_ctypes.byref(program))
    for path, content in ((image, cubin.raw), (names, "\n".join(symbols.values()).encode())):  # the names last: see above
        handle, made = _tempfile.mkstemp(dir=_kerf_cache())
        with _os.fdopen(handle, "wb") as file:
            file.write(content)
        _os.replace(made, path)
    return cubin.raw, symbols


class _Kernels(_Driver):
    """The functions of the compiled source on one device."""

    def __init__(self, device):
        super().__init__()
        major, minor = _torch.cuda.get_device_capability(device)
        cubin, self.symbols = _kerf_compile(f"sm_{major}{minor}" + ("a" if major >= 9 else ""))
        self.module, self.functions = _ctypes.c_void_p(), {}
        with _torch.cuda.device(device):
            _torch.cuda.current_stream()  # PyTorch makes its context the current one
            self.check(self.driver.cuModuleLoadData(_ctypes.byref(self.module), cubin), "cuModuleLoadData")

    def function(self, kernel, shared):
        function, allowed = self.functions.get(kernel, (None, 0))
        if function is None:
            function = _ctypes.c_void_p()
            self.check(self.driver.cuModuleGetFunction(_ctypes.byref(function), self.module, self.symbols[kernel].encode()),
                       kernel)
        if shared > allowed:
            self.check(self.driver.cuFuncSetAttribute(function, _MAX_SHARED, shared), kernel)
        self.functions[kernel] = (function, max(shared, allowed))
        return function


def _launch(kernel, args, grid, block, shared=0, cluster=(), cooperative=False):
    kernels = _kerf_library(_kerf_local.device)
    _kerf_launch(kernels, kernel, kernels.function(kernel, shared), args, grid, block, shared, cluster, cooperative)


)py";
}

std::string_view export_triton() {
  return R"py(import importlib.util as _importer

_KERF_INTERPRETED = _os.environ.get("TRITON_INTERPRET", "0").lower() not in ("", "0", "false", "off", "no", "n")
if _KERF_INTERPRETED:
    KERF_DEVICE = "cpu"


@_functools.lru_cache(maxsize=None)
def _kerf_module():
    """The kernels as a module: Triton wants to find their text in a file."""
    key = _hashlib.sha256(KERF_SOURCE.encode()).hexdigest()
    path = _os.path.join(_kerf_cache(), f"kernels_{key}.py")
    if not _os.path.exists(path):
        handle, made = _tempfile.mkstemp(dir=_kerf_cache())
        with _os.fdopen(handle, "w") as file:
            file.write(KERF_SOURCE)
        _os.replace(made, path)
    spec = _importer.spec_from_file_location(f"kerf_kernels_{key[:16]}", path)
    module = _importer.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class _Kernels(_Driver):
    def __init__(self, device):
        self.module = _kerf_module()
        if not _KERF_INTERPRETED:
            super().__init__()


def _kerf_parameters(function):
    """Names, and whether they are tl.constexpr."""
    notes = function.fn.__annotations__
    return [(name, "constexpr" in str(getattr(notes.get(name), "__name__", notes.get(name)))) for name in function.arg_names]


# Types of Triton's signatures that are not passed as 64-bit integers or pointers.
_KERF_SCALARS = {"i1": bool, "u1": bool, "i32": _i32, "fp32": float, "fp64": _f64}


def _interpret(kernel, **named):
    import numpy

    with numpy.errstate(all="ignore"):  # lanes that masks leave out
        kernel(**named)


def _launch(kernel, args, grid, constexpr=None, num_warps=4, num_stages=None):
    """Compiled by Triton's JIT when it is first met; from then on the driver is given what Triton's own launcher would give it."""
    kernels = _kerf_library(_kerf_local.device if KERF_DEVICE == "cuda" else None)
    function, named = getattr(kernels.module, kernel), {}
    plain = iter([v if isinstance(v, (bool, _torch.Tensor)) else int(v) if isinstance(v, int) else float(v) for v in args])
    for name, fixed in _kerf_parameters(function):
        named[name] = (constexpr or {}).get(name, KERF_TUNE.get(name)) if fixed else next(plain)
    grid = tuple(grid)
    if _KERF_INTERPRETED:
        _do(_interpret, function[grid], **named)
        return
    options = {"num_warps": num_warps, **({} if num_stages is None else {"num_stages": num_stages})}
    compiled = function.run(grid=grid, warmup=True, **named, **options)
    compiled._init_handles()
    slots = []
    for name, type in compiled.src.signature.items():
        value = named[name if isinstance(name, str) else function.arg_names[name]]
        if type != "constexpr":
            slots.append(_KERF_SCALARS.get(type, lambda v: v)(value))
    metadata = compiled.metadata
    programs = grid[0] * (grid[1] if len(grid) > 1 else 1) * (grid[2] if len(grid) > 2 else 1)
    for kind in ("global", "profile"):  # of Triton's own
        size = getattr(metadata, f"{kind}_scratch_size", 0) or 0
        slots.append(_torch.empty(size * programs, dtype=_torch.uint8, device=_kerf_local.device) if size else 0)
    block = [metadata.num_warps * 32]
    _kerf_launch(kernels, kernel, _ctypes.c_void_p(compiled.function), slots, grid, block, metadata.shared)


)py";
}

}  // namespace kerf
