#include "evaluate/bridge_build.h"

#include <vector>

#include <fmt/format.h>

#include "base/hash.h"
#include "base/paths.h"
#include "base/process.h"
#include "base/shared_lock.h"

namespace kerf {

namespace fs = std::filesystem;

namespace {

constexpr std::chrono::seconds compile_limit{300};

Result<std::string> compiler() {
  for (const char* name : {"g++", "c++", "clang++", "clang++-19"})
    if (auto found = find_program(name)) return *found;
  return fail(ErrorKind::unavailable,
              "unavailable: a C++ compiler (g++ or clang++), needed once to build the bridge to PyTorch");
}

Result<std::string> output_of(std::vector<std::string> argv, std::chrono::milliseconds limit) {
  const Finished finished = TRY(run({.argv = argv, .environment = clean_environment()}, limit));
  if (!finished.ok()) {
    return fail(ErrorKind::unavailable, fmt::format("{} failed ({}): {}", argv[0], finished.describe(),
                                                    finished.errors.substr(0, finished.errors.find('\n'))));
  }
  return finished.output;
}

// PyTorch's own OpenMP runtime: wheels name it libgomp.so.1 or libgomp-HASH.so.1.
Result<fs::path> torch_libgomp(const fs::path& lib) {
  std::error_code code;
  for (const auto& entry : fs::directory_iterator(lib, code))
    if (entry.path().filename().string().starts_with("libgomp")) return entry.path();
  return fail(ErrorKind::unavailable,
              "unavailable: " + lib.string() + " holds no libgomp: a PyTorch wheel for Linux is needed");
}

}  // namespace

Result<InstalledTorch> find_torch() {
  const std::string script =
      "import importlib.util as u, runpy, os\n"
      "s = u.find_spec('torch')\n"
      "d = s.submodule_search_locations[0] if s else ''\n"
      "print(d)\n"
      "print(runpy.run_path(os.path.join(d, 'version.py'))['__version__'] if s else '')\n";
  const std::string text = TRY(output_of({python(), "-c", script}, std::chrono::seconds(60)));
  const auto end = text.find('\n');
  if (end == 0 || end == std::string::npos) {
    return fail(ErrorKind::unavailable,
                fmt::format("unavailable: {} has no torch: install it there or set KERF_PYTHON to a Python that has it",
                            python()));
  }
  std::string version = text.substr(end + 1);
  while (!version.empty() && version.back() == '\n') version.pop_back();
  return InstalledTorch{.folder = text.substr(0, end), .version = version};
}

Result<BuiltBridge> build_bridge(const std::function<void(std::string_view)>& notice) {
  const InstalledTorch torch = TRY(find_torch());
  const fs::path source = TRY(shipped("src/runner/bridge/bridge.cc"));
  const std::string cxx = TRY(compiler());
  Digest key;
  const std::string cxx_version = TRY(output_of({cxx, "--version"}, std::chrono::seconds(30)));
  key.add(torch.version).add(torch.folder.string()).add(cxx_version);
  for (const char* name : {"bridge.cc", "bridge.h"}) key.add(TRY(read_file(source.parent_path() / name)));
  const fs::path folder = TRY(cache_directory()) / "bridge";
  std::error_code code;
  fs::create_directories(folder, code);
  const fs::path library = folder / fmt::format("torch-{}-{}.so", torch.version, key.hex().substr(0, 16));
  // One builds it, others that need it as well wait for that.
  const auto lock = SharedLock(library.string() + ".lock").take(true, compile_limit, [] {});
  if (fs::exists(library, code)) return BuiltBridge{library, torch};

  notice(fmt::format("compiling the bridge to PyTorch {} (once, some ten seconds)", torch.version));
  const TemporaryDirectory build = TRY(TemporaryDirectory::create("kerf-bridge"));
  const std::string object = build.path() / "bridge.o", built = build.path() / "bridge.so";
  const fs::path include = torch.folder / "include", lib = torch.folder / "lib";
  // -fopenmp when compiling only: linking it would bring the compiler's own libgomp beside PyTorch's.
  TRY(output_of({cxx, "-std=c++20", "-O2", "-fPIC", "-fopenmp", "-w", "-I" + include.string(),
                 "-I" + (include / "torch/csrc/api/include").string(), "-c", source.string(), "-o", object},
                compile_limit));
  const fs::path libgomp = TRY(torch_libgomp(lib));
  TRY(output_of({cxx, "-shared", object, (lib / "libtorch_cpu.so").string(), (lib / "libc10.so").string(),
                 libgomp.string(), "-Wl,-rpath," + lib.string(), "-o", built},
                compile_limit));
  const std::string bytes = TRY(read_file(built));
  TRY(write_file(library, bytes));
  fs::permissions(library, fs::perms(0755), code);
  return BuiltBridge{library, torch};
}

}  // namespace kerf
