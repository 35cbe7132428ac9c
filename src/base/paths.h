// Where things are on this machine: XDG directories for what kerf keeps, and the files that came with kerf.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"

namespace kerf {

// $KERF_HOME, else $XDG_DATA_HOME/kerf, else ~/.local/share/kerf: the store, calibrations. Created on demand.
[[nodiscard]] Result<std::filesystem::path> data_directory();
// $KERF_CACHE, else $XDG_CACHE_HOME/kerf, else ~/.cache/kerf: what can be made again (images, the bridge).
[[nodiscard]] Result<std::filesystem::path> cache_directory();
// $KERF_CONFIG, else $XDG_CONFIG_HOME/kerf, else ~/.config/kerf: what the user writes (keys, prices). Never created.
[[nodiscard]] Result<std::filesystem::path> config_directory();
// A file shipped with kerf (oracle/, targets/, models/ …): beside the source tree when run from build/, under
// PREFIX/share/kerf when installed; $KERF_SHARE overrides. `unavailable` if it is not there.
[[nodiscard]] Result<std::filesystem::path> shipped(std::string_view relative);
// The kerf-runner binary that belongs to this kerf.
[[nodiscard]] Result<std::filesystem::path> runner_binary();
// PREFIX/lib/kerf: the libraries that a portable kerf carries. A jail in which kerf-runner starts must show them. Need
// not exist.
[[nodiscard]] std::filesystem::path carried_libraries();
// The Python that has torch: $KERF_PYTHON, else the .venv beside the source tree or under PREFIX/share/kerf, else
// python3.
[[nodiscard]] std::string python();

[[nodiscard]] Result<std::string> read_file(const std::filesystem::path& path);
// Writes beside and renames, so that a reader or a crash never sees half a file.
[[nodiscard]] Result<> write_file(const std::filesystem::path& path, std::string_view bytes);

// A fresh private directory (mode 0700), removed with all in it on destruction.
class TemporaryDirectory {
 public:
  [[nodiscard]] static Result<TemporaryDirectory> create(std::string_view prefix);
  TemporaryDirectory(TemporaryDirectory&& other) noexcept;
  TemporaryDirectory& operator=(TemporaryDirectory&& other) noexcept;
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory();
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  explicit TemporaryDirectory(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

}  // namespace kerf
