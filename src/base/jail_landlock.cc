// What the jail may do with files, and that it reaches no TCP port and no process outside.
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "base/jail_layers.h"

namespace kerf {
namespace {

// Landlock as of ABI 6, spelt out because distributions' headers are older than their kernels.
struct LandlockRules {
  std::uint64_t file_system = 0, network = 0, scoped = 0;
};
constexpr std::uint64_t landlock_read =
    LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
constexpr std::uint64_t landlock_abi1 = (std::uint64_t{1} << 13) - 1;
constexpr std::uint64_t landlock_refer = std::uint64_t{1} << 13;     // ABI 2
constexpr std::uint64_t landlock_truncate = std::uint64_t{1} << 14;  // ABI 3
constexpr std::uint64_t landlock_ioctl = std::uint64_t{1} << 15;     // ABI 5
constexpr std::uint64_t landlock_files = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE |
                                         LANDLOCK_ACCESS_FS_READ_FILE | landlock_truncate | landlock_ioctl;

long landlock_abi() { return ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION); }

bool allow(int rules, const std::string& path, std::uint64_t access) {
  const Fd fd(::open(path.c_str(), O_PATH | O_CLOEXEC));
  if (!fd) return errno == ENOENT || errno == EACCES;
  struct stat status{};
  if (::fstat(fd.get(), &status) != 0) return false;
  if (!S_ISDIR(status.st_mode)) access &= landlock_files;
  landlock_path_beneath_attr rule{};
  rule.allowed_access = access;
  rule.parent_fd = fd.get();
  return ::syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
}

}  // namespace

std::string restrict_files(const Jail& jail, long& abi) {
  abi = landlock_abi();
  if (abi <= 0) return "not in this kernel: " + errno_words(errno);
  LandlockRules wanted{.file_system = landlock_abi1, .network = abi >= 4 ? 3U : 0U, .scoped = abi >= 6 ? 3U : 0U};
  if (abi >= 2) wanted.file_system |= landlock_refer;
  if (abi >= 3) wanted.file_system |= landlock_truncate;
  if (abi >= 5) wanted.file_system |= landlock_ioctl;
  const std::size_t size = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
  const Fd rules(static_cast<int>(::syscall(SYS_landlock_create_ruleset, &wanted, size, 0)));
  if (!rules) return "no ruleset: " + errno_words(errno);
  const std::uint64_t all = wanted.file_system;
  const std::uint64_t file =
      LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | (all & (landlock_truncate | landlock_ioctl));
  bool good = true;
  for (const std::string& path : jail.read_only) good = allow(rules.get(), path, landlock_read) && good;
  for (const std::string& path : jail.writable)
    good = allow(rules.get(), path, all & ~std::uint64_t{LANDLOCK_ACCESS_FS_EXECUTE}) && good;
  for (const char* path : jail_devices) good = allow(rules.get(), path, file) && good;
  if (jail.tmp_bytes > 0) good = allow(rules.get(), "/tmp", all & ~std::uint64_t{LANDLOCK_ACCESS_FS_EXECUTE}) && good;
  if (jail.proc)
    good = allow(rules.get(), "/proc",
                 LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_WRITE_FILE) &&
           good;
  if (!good) return "a path has no rule: " + errno_words(errno);
  if (::syscall(SYS_landlock_restrict_self, rules.get(), 0) != 0) return "refused: " + errno_words(errno);
  return {};
}

}  // namespace kerf
