// The layers of a jail that the launcher (jail_main) puts up, one after another, in a process of one thread. Each says
// why it does not stand; an empty reason means that it does.
#pragma once

#include <seccomp.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "base/jail.h"

namespace kerf {

inline constexpr std::array<const char*, 4> jail_devices = {"/dev/null", "/dev/zero", "/dev/random", "/dev/urandom"};

[[nodiscard]] inline std::string errno_words(int code) { return std::generic_category().message(code); }

// What Landlock lets a jail do; sets are those of linux/landlock.h.
struct LandlockRules {
  struct Path {
    std::string path;
    std::uint64_t access = 0;  // to it and all below
  };
  std::uint64_t files = 0, network = 0, scoped = 0;  // refused wherever no rule allows it
  std::vector<Path> allowed;
};
// `abi`: the kernel's, at least 1. What it does not know is not asked of it.
[[nodiscard]] LandlockRules landlock_rules(const Jail& jail, long abi);

// A system call that is refused with `error`, always or where an argument is so.
struct RefusedCall {
  int call = 0;
  int error = 0;
  std::optional<scmp_arg_cmp> when = {};
};
[[nodiscard]] std::vector<RefusedCall> refused_calls();

// A root of our own in a tmpfs, with nothing in it but what the jail names; needs a mount namespace.
[[nodiscard]] std::string build_root(const Jail& jail);
// Landlock, on the same paths. `abi`: the kernel's; 0 or less where it has none.
[[nodiscard]] std::string restrict_files(const Jail& jail, long& abi);
// seccomp.
[[nodiscard]] std::string filter_calls();

}  // namespace kerf
