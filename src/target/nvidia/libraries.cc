#include "target/nvidia/libraries.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <system_error>

#include <fmt/format.h>

#include "base/paths.h"
#include "base/process.h"

namespace kerf {

namespace fs = std::filesystem;

fs::path newest_library(const fs::path& folder, std::string_view name) {
  std::error_code code;
  fs::path best;
  int newest = 0;
  const std::string prefix = fmt::format("lib{}.so.", name);
  for (const auto& entry : fs::directory_iterator(folder, code)) {
    const std::string file = entry.path().filename().string();
    if (!file.starts_with(prefix)) continue;
    int major = 0;
    std::from_chars(file.data() + prefix.size(), file.data() + file.size(), major);
    if (major > newest) {
      newest = major;
      best = entry.path();
    }
  }
  return best;
}

std::vector<fs::path> folders_below(const fs::path& folder, std::string_view prefix) {
  std::error_code code;
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(folder, code)) {
    if (entry.path().filename().string().starts_with(prefix)) found.push_back(entry.path());
  }
  std::ranges::sort(found, std::ranges::greater{});
  return found;
}

std::vector<fs::path> nvidia_library_folders() {
  std::vector<fs::path> folders;
  // PREFIX/bin/python -> PREFIX/lib/python3.x/site-packages/nvidia/{cu13,cuda_nvrtc}/lib
  const fs::path prefix = fs::path(python()).parent_path().parent_path();
  if (!prefix.empty()) {
    for (const fs::path& version : folders_below(prefix / "lib", "python3")) {
      for (const fs::path& package : folders_below(version / "site-packages" / "nvidia", "cu"))
        folders.push_back(package / "lib");
    }
  }
  if (const char* home = std::getenv("CUDA_HOME")) folders.push_back(fs::path(home) / "lib64");
  for (const fs::path& toolkit : folders_below("/usr/local", "cuda")) {
    folders.push_back(toolkit / "lib64");
    folders.push_back(toolkit / "targets/x86_64-linux/lib");
  }
  folders.insert(folders.end(), {"/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64"});
  return folders;
}

Result<fs::path> find_cupti() {
  if (const char* set = std::getenv("KERF_CUPTI"); set != nullptr && *set != '\0') {
    if (::access(set, R_OK) == 0) return fs::path(set);
    return fail(ErrorKind::unavailable, fmt::format("unavailable: KERF_CUPTI is {}, which cannot be read", set));
  }
  auto folders = nvidia_library_folders();
  for (const fs::path& toolkit : folders_below("/usr/local", "cuda")) folders.push_back(toolkit / "extras/CUPTI/lib64");
  for (const fs::path& folder : folders) {
    std::error_code code;
    if (!fs::exists(folder / "libnvperf_host.so", code)) continue;
    if (auto library = newest_library(folder, "cupti"); !library.empty()) return library;
  }
  return fail(
      ErrorKind::unavailable,
      fmt::format("unavailable: CUPTI, which reads the GPU's counters, is not on this machine: {} -m pip install "
                  "'nvidia-cuda-cupti', or set KERF_CUPTI to libcupti.so",
                  python()));
}

Result<fs::path> find_ncu() {
  const auto runs = [](const fs::path& file) { return ::access(file.c_str(), X_OK) == 0; };
  if (const char* set = std::getenv("KERF_NCU"); set != nullptr && *set != '\0') {
    if (runs(set)) return fs::path(set);
    return fail(ErrorKind::unavailable, fmt::format("unavailable: KERF_NCU is {}, which cannot be run", set));
  }
  if (const auto found = find_program("ncu")) return fs::path(*found);
  for (const fs::path& toolkit : folders_below("/usr/local", "cuda"))
    if (const fs::path file = toolkit / "bin/ncu"; runs(file)) return file;
  for (const fs::path& version : folders_below("/opt/nvidia/nsight-compute", "2"))
    if (const fs::path file = version / "ncu"; runs(file)) return file;
  return fail(ErrorKind::unavailable,
              "unavailable: NVIDIA Nsight Compute (ncu) is not on this machine: install it, or set KERF_NCU");
}

}  // namespace kerf
