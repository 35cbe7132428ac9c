// A root with nothing in it but what the jail names.
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>

#include "base/jail_layers.h"

namespace kerf {
namespace {

// Creates `path` below `root` (a folder, or an empty file) with its parents.
bool make_place(const std::string& root, const std::string& path, bool folder) {
  const std::string full = root + path;
  for (std::size_t slash = full.find('/', root.size() + 1); slash != full.npos; slash = full.find('/', slash + 1)) {
    if (::mkdir(full.substr(0, slash).c_str(), 0755) != 0 && errno != EEXIST) return false;
  }
  if (folder) return ::mkdir(full.c_str(), 0755) == 0 || errno == EEXIST;
  const Fd fd(::open(full.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
  return static_cast<bool>(fd);
}

constexpr std::array<const char*, 5> root_links = {"/bin", "/sbin", "/lib", "/lib64", "/lib32"};

// The path behind a link of the root: /lib/x is /usr/lib/x on most systems.
std::string behind_links(const std::string& path) {
  for (const std::string link : root_links) {
    std::array<char, 4096> real{};
    struct stat status{};
    if (path != link && !path.starts_with(link + "/")) continue;
    if (::lstat(link.c_str(), &status) != 0 || !S_ISLNK(status.st_mode) ||
        ::realpath(link.c_str(), real.data()) == nullptr)
      continue;
    return real.data() + path.substr(link.size());
  }
  return path;
}

// Binds `named` of the host to the same path below `root`. What does not exist is skipped.
bool bind_mount(const std::string& root, const std::string& named, bool writable, bool device) {
  const std::string path = behind_links(named);
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return true;
  const std::string to = root + path;
  if (!make_place(root, path, S_ISDIR(status.st_mode))) return false;
  if (::mount(path.c_str(), to.c_str(), nullptr, MS_BIND | MS_REC, nullptr) != 0) return false;
  // In a user namespace, flags that the host's mount has are locked and must be kept.
  unsigned long wanted = MS_NOSUID;
  if (!writable) wanted |= MS_RDONLY;
  if (!device) wanted |= MS_NODEV;
  for (const unsigned long kept :
       {0UL, static_cast<unsigned long>(MS_NODEV), static_cast<unsigned long>(MS_NODEV | MS_NOEXEC),
        static_cast<unsigned long>(MS_NODEV | MS_NOATIME)}) {
    if (::mount(nullptr, to.c_str(), nullptr, MS_BIND | MS_REMOUNT | wanted | kept, nullptr) == 0) return true;
  }
  return false;
}

}  // namespace

std::string build_root(const Jail& jail) {
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
    return "no private mounts: " + errno_words(errno);
  const std::string root = "/proc";  // a folder that every machine has; covered, it is hidden from the jail anyway
  if (::mount("tmpfs", root.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, "size=4m,mode=755") != 0)
    return "no tmpfs: " + errno_words(errno);
  for (const char* link : root_links) {
    std::array<char, 256> target{};
    const ssize_t n = ::readlink(link, target.data(), target.size() - 1);
    if (n > 0 && ::symlink(target.data(), (root + link).c_str()) != 0)
      return "no link in the root: " + errno_words(errno);
  }
  if (jail.tmp_bytes > 0) {
    const std::string options = fmt::format("size={},mode=1777", jail.tmp_bytes);
    if (!make_place(root, "/tmp", true)) return "no /tmp: " + errno_words(errno);
    if (::mount("tmpfs", (root + "/tmp").c_str(), "tmpfs", MS_NOSUID | MS_NODEV, options.c_str()) != 0)
      return "no /tmp: " + errno_words(errno);
  }
  for (const char* device : jail_devices) {
    if (!bind_mount(root, device, true, true)) return fmt::format("cannot bind {}: {}", device, errno_words(errno));
  }
  std::vector<std::string> ordered = jail.read_only;
  std::sort(ordered.begin(), ordered.end());  // what contains comes before what is contained
  for (const std::string& path : ordered) {
    if (!bind_mount(root, path, false, false)) return fmt::format("cannot bind {}: {}", path, errno_words(errno));
  }
  for (const std::string& path : jail.writable) {
    if (!bind_mount(root, path, true, false)) return fmt::format("cannot bind {}: {}", path, errno_words(errno));
  }
  if (jail.proc && make_place(root, "/proc", true)) {
    // Masked /proc (containers) refuses this in a user namespace; the jail then has none.
    ::mount("proc", (root + "/proc").c_str(), "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, "hidepid=0");
  }
  if (::chdir(root.c_str()) != 0 || ::syscall(SYS_pivot_root, ".", ".") != 0)
    return "pivot_root: " + errno_words(errno);
  if (::umount2(".", MNT_DETACH) != 0) return "old root stays: " + errno_words(errno);
  if (::mount(nullptr, "/", nullptr, MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV, "size=4m,mode=755") != 0)
    return "root stays writable: " + errno_words(errno);
  return {};
}

}  // namespace kerf
