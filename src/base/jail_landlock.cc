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
struct RulesetAttributes {
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

LandlockRules landlock_rules(const Jail& jail, long abi) {
  LandlockRules rules{.files = landlock_abi1, .network = abi >= 4 ? 3U : 0U, .scoped = abi >= 6 ? 3U : 0U};
  if (abi >= 2) rules.files |= landlock_refer;
  if (abi >= 3) rules.files |= landlock_truncate;
  if (abi >= 5) rules.files |= landlock_ioctl;
  const std::uint64_t write = rules.files & ~std::uint64_t{LANDLOCK_ACCESS_FS_EXECUTE};
  const std::uint64_t device = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE |
                               (rules.files & (landlock_truncate | landlock_ioctl));
  for (const std::string& path : jail.read_only) rules.allowed.push_back({path, landlock_read});
  for (const std::string& path : jail.writable) rules.allowed.push_back({path, write});
  for (const char* path : jail_devices) rules.allowed.push_back({path, device});
  if (jail.tmp_bytes > 0) rules.allowed.push_back({"/tmp", write});
  if (jail.proc) {
    rules.allowed.push_back(
        {"/proc", LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_WRITE_FILE});
  }
  return rules;
}

std::string restrict_files(const Jail& jail, long& abi) {
  abi = landlock_abi();
  if (abi <= 0) return "not in this kernel: " + errno_words(errno);
  const LandlockRules rules = landlock_rules(jail, abi);
  const RulesetAttributes wanted{.file_system = rules.files, .network = rules.network, .scoped = rules.scoped};
  const std::size_t size = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
  const Fd ruleset(static_cast<int>(::syscall(SYS_landlock_create_ruleset, &wanted, size, 0)));
  if (!ruleset) return "no ruleset: " + errno_words(errno);
  bool good = true;
  for (const auto& [path, access] : rules.allowed) good = allow(ruleset.get(), path, access) && good;
  if (!good) return "a path has no rule: " + errno_words(errno);
  if (::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0) return "refused: " + errno_words(errno);
  return {};
}

}  // namespace kerf
