#include "base/shared_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <system_error>
#include <thread>

namespace kerf {
namespace {

using std::chrono::steady_clock;

Result<Fd> open_for_all(const std::string& path) {
  // Another user's file may be opened, but not in a way that could make it (fs.protected_regular).
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd) fd = Fd(::open(path.c_str(), O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (!fd)
    return fail(ErrorKind::unavailable, fmt::format("unavailable: the lock {} cannot be opened ({})", path,
                                                    std::generic_category().message(errno)));
  return fd;
}

}  // namespace

Result<SharedLock::Hold> SharedLock::take(bool alone, std::chrono::milliseconds patience,
                                          const std::function<void()>& waiting) const {
  using namespace std::chrono_literals;
  const Fd gate = TRY(open_for_all(path_ + ".gate"));
  Fd lock = TRY(open_for_all(path_));
  const auto start = steady_clock::now();
  bool told = false;
  const auto wait_for = [&](const Fd& fd, int how) -> Result<> {
    while (::flock(fd.get(), how | LOCK_NB) != 0) {
      const auto waited = steady_clock::now() - start;
      if (waited > patience)
        return fail(ErrorKind::unavailable,
                    fmt::format("unavailable: another process has held the lock {} for {} s", path_,
                                std::chrono::duration_cast<std::chrono::seconds>(patience).count()));
      if (waited > 2s && !told) {
        told = true;
        waiting();
      }
      std::this_thread::sleep_for(1ms);
    }
    return {};
  };
  TRY(wait_for(gate, LOCK_EX));
  TRY(wait_for(lock, alone ? LOCK_EX : LOCK_SH));
  return Hold(std::move(lock));
}

}  // namespace kerf
