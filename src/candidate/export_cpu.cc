// What exported files have for kernels in C++: a compiler, and OpenMP threads.
#include "candidate/export_support.h"

namespace kerf {

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

std::string_view export_cpu_launcher() {
  return R"py(def _kerf_machine():
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
}

}  // namespace kerf
