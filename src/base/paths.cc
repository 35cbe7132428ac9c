#include "base/paths.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <system_error>

#include "base/process.h"

namespace kerf {

namespace fs = std::filesystem;

namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

Result<fs::path> named_directory(const char* override_name, const char* xdg_name, const char* below_home) {
  fs::path path = variable(override_name);
  if (path.empty()) {
    const std::string xdg = variable(xdg_name);
    const std::string home = variable("HOME");
    if (xdg.empty() && home.empty())
      return user_error(std::string("neither HOME nor ") + override_name + " is set: set one of them");
    path = (xdg.empty() ? fs::path(home) / below_home : fs::path(xdg)) / "kerf";
  }
  return path;
}

Result<fs::path> own_directory(const char* override_name, const char* xdg_name, const char* below_home) {
  const fs::path path = TRY(named_directory(override_name, xdg_name, below_home));
  std::error_code code;
  fs::create_directories(path, code);
  if (code)
    return user_error("cannot create " + path.string() + " (" + code.message() + "): set " + override_name +
                      " to a folder that can be written");
  return fs::absolute(path);
}

fs::path executable_folder() {
  std::error_code code;
  const fs::path self = fs::read_symlink("/proc/self/exe", code);
  return code ? fs::path{} : self.parent_path();
}

// Folders that may hold what comes with kerf: the source tree that a build folder lies in, or PREFIX/share/kerf.
std::array<fs::path, 4> roots() {
  const fs::path here = executable_folder();
  return {fs::path(variable("KERF_SHARE")), here.parent_path(), here.parent_path().parent_path(),
          here.parent_path() / "share" / "kerf"};
}

}  // namespace

Result<fs::path> data_directory() { return own_directory("KERF_HOME", "XDG_DATA_HOME", ".local/share"); }
Result<fs::path> config_directory() { return named_directory("KERF_CONFIG", "XDG_CONFIG_HOME", ".config"); }
Result<fs::path> cache_directory() { return own_directory("KERF_CACHE", "XDG_CACHE_HOME", ".cache"); }

Result<fs::path> shipped(std::string_view relative) {
  std::error_code code;
  for (const fs::path& root : roots()) {
    if (!root.empty() && fs::exists(root / relative, code)) return root / relative;
  }
  return fail(ErrorKind::unavailable,
              "cannot find kerf's own file " + std::string(relative) + ": set KERF_SHARE to the folder that holds it");
}

Result<fs::path> runner_binary() {
  std::error_code code;
  const fs::path here = executable_folder();
  for (const fs::path& path : {here / "kerf-runner", here.parent_path() / "kerf-runner"}) {
    if (fs::exists(path, code)) return path;
  }
  return fail(ErrorKind::unavailable, "cannot find kerf-runner beside " + here.string() + "/kerf: install both");
}

fs::path carried_libraries() { return executable_folder().parent_path() / "lib" / "kerf"; }

std::string python() {
  if (std::string set = variable("KERF_PYTHON"); !set.empty()) return set;
  std::error_code code;
  for (const fs::path& root : roots()) {
    if (fs::path candidate = root / ".venv/bin/python"; !root.empty() && fs::exists(candidate, code))
      return candidate.string();
  }
  return find_program("python3").value_or("python3");
}

Result<std::string> read_file(const fs::path& path) {
  std::error_code code;
  if (fs::is_directory(path, code)) return user_error(path.string() + " is a folder, a file was expected");
  std::ifstream stream(path, std::ios::binary);
  if (!stream) return user_error("cannot read " + path.string() + " (" + std::generic_category().message(errno) + ")");
  std::string text;
  std::array<char, 1 << 16> part;  // an iterator over the stream would throw where reading fails
  while (stream.read(part.data(), part.size()), stream.gcount() > 0)
    text.append(part.data(), static_cast<std::size_t>(stream.gcount()));
  if (stream.bad()) return user_error("cannot read " + path.string() + " to its end");
  return text;
}

Result<> write_file(const fs::path& path, std::string_view bytes) {
  const std::string where = path.string();
  const auto refuse = [&where](int code) {
    if (code == ENOSPC || code == EDQUOT) return user_error("no space left for " + where + ": free some and try again");
    return user_error("cannot write " + where + " (" + std::generic_category().message(code) + ")");
  };
  std::string beside = where + ".XXXXXX";
  Fd fd(::mkostemp(beside.data(), O_CLOEXEC));
  if (!fd) return refuse(errno);
  const auto abandon = [&](int code) {
    ::unlink(beside.c_str());
    return refuse(code);
  };
  std::string_view rest = bytes;
  while (!rest.empty()) {
    const ssize_t n = ::write(fd.get(), rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return abandon(errno);
    rest.remove_prefix(static_cast<std::size_t>(n));
  }
  ::fchmod(fd.get(), 0644);
  if (::fsync(fd.get()) != 0) return abandon(errno);
  if (::rename(beside.c_str(), where.c_str()) != 0) return abandon(errno);
  return {};
}

Result<TemporaryDirectory> TemporaryDirectory::create(std::string_view prefix) {
  std::error_code code;
  const fs::path base = fs::temp_directory_path(code);
  if (code) return user_error("there is no folder for temporary files: set TMPDIR to one that exists");
  std::string pattern = (base / (std::string(prefix) + "-XXXXXX")).string();
  if (::mkdtemp(pattern.data()) == nullptr)
    return system_error("cannot create a temporary folder in " + base.string(), errno);
  return TemporaryDirectory(pattern);
}

TemporaryDirectory::TemporaryDirectory(TemporaryDirectory&& other) noexcept : path_(std::exchange(other.path_, {})) {}

TemporaryDirectory& TemporaryDirectory::operator=(TemporaryDirectory&& other) noexcept {
  std::swap(path_, other.path_);
  return *this;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  if (!path_.empty()) fs::remove_all(path_, ignored);
}

}  // namespace kerf
