// The layers of a jail that the launcher (jail_main) puts up, one after another, in a process of one thread. Each says
// why it does not stand; an empty reason means that it does.
#pragma once

#include <array>
#include <string>
#include <system_error>

#include "base/jail.h"

namespace kerf {

inline constexpr std::array<const char*, 4> jail_devices = {"/dev/null", "/dev/zero", "/dev/random", "/dev/urandom"};

[[nodiscard]] inline std::string errno_words(int code) { return std::generic_category().message(code); }

// A root of our own in a tmpfs, with nothing in it but what the jail names; needs a mount namespace.
[[nodiscard]] std::string build_root(const Jail& jail);
// Landlock, on the same paths. `abi`: the kernel's; 0 or less where it has none.
[[nodiscard]] std::string restrict_files(const Jail& jail, long& abi);
// seccomp.
[[nodiscard]] std::string filter_calls();

}  // namespace kerf
