// The bridge to PyTorch's dispatcher (src/runner/bridge) is compiled against the PyTorch that this machine has, at
// first use, and kept in the cache by PyTorch's version, compiler and source.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace kerf {

struct InstalledTorch {
  std::filesystem::path folder;  // site-packages/torch
  std::string version;           // "2.13.0+cpu"
};

// Asks python() without importing torch. `unavailable` if there is none.
[[nodiscard]] Result<InstalledTorch> find_torch();

struct BuiltBridge {
  std::filesystem::path library;
  InstalledTorch torch;
};

// Compiles it if the cache lacks it (some ten seconds; `notice` is told). Several processes may do so at once: each
// builds beside and renames. Blocks. `unavailable` names what is missing.
[[nodiscard]] Result<BuiltBridge> build_bridge(const std::function<void(std::string_view)>& notice);

}  // namespace kerf
