#include "evaluate/oracle_process.h"

#include <fmt/format.h>

#include <cstdlib>
#include <utility>

#include "base/paths.h"

namespace kerf {
namespace {

constexpr int child_fd = 3;

}  // namespace

Result<std::map<std::string, std::string>> oracle_environment(const OracleOptions& options, const std::string& package,
                                                              int threads, int compilers) {
  auto environment = clean_environment();
  const auto cache = TRY(cache_directory());
  environment["PYTHONPATH"] = package;
  environment["PYTHONDONTWRITEBYTECODE"] = "1";  // the package may lie where we must not write
  environment["PYTHONUNBUFFERED"] = "1";
  environment["PYTHONHASHSEED"] = "0";
  environment["OMP_NUM_THREADS"] = fmt::format("{}", threads);
  // Freed memory stays mapped: no timed run pays for faulting its outputs in, as in the runner.
  environment["MALLOC_MMAP_MAX_"] = "0";
  environment["MALLOC_TRIM_THRESHOLD_"] = "17179869184";
  environment["MALLOC_TOP_PAD_"] = "67108864";
  environment["TORCHINDUCTOR_CACHE_DIR"] = (cache / "inductor").string();
  environment["TRITON_CACHE_DIR"] = (cache / "triton").string();
  environment["TORCHINDUCTOR_COMPILE_THREADS"] = fmt::format("{}", compilers);
  // Where NVIDIA's driver and compilers lie, and which GPUs may be used.
  if (!options.device.empty()) {
    for (const char* name : {"LD_LIBRARY_PATH", "CUDA_HOME", "CUDA_VISIBLE_DEVICES"})
      if (const char* value = std::getenv(name)) environment[name] = value;
  } else {
    // PyTorch would open a context on each GPU that it sees: half a gigabyte of memory, for nothing.
    environment["CUDA_VISIBLE_DEVICES"] = "";
  }
  return environment;
}

Result<OracleProcess> start_oracle_process(const OracleOptions& options, int threads, int compilers) {
  const std::string python = options.python.empty() ? kerf::python() : options.python;
  const auto program = find_program(python);
  if (!program) {
    return fail(
        ErrorKind::unavailable,
        fmt::format("there is no Python at {}: run make setup, or set KERF_PYTHON to one that has PyTorch", python));
  }
  const std::string package = options.package.empty() ? TRY(shipped("oracle")).string() : options.package;
  auto [ours, theirs] = TRY(Channel::pair());
  Command command{.argv = {*program, "-m", "kerf_oracle", "--fd", fmt::format("{}", child_fd)},
                  .environment = TRY(oracle_environment(options, package, threads, compilers))};
  command.inherit[child_fd] = theirs.fd();
  return OracleProcess{
      .process = TRY(Process::start(command, options.log_fd)), .channel = std::move(ours), .python = *program};
}

}  // namespace kerf
