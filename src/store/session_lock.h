// One writer a session, over all processes of a machine: the kernel holds the lock and lets go of it however the
// process ends.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"

namespace kerf {

struct SessionLocks {
  SessionLocks() = default;
  SessionLocks(const SessionLocks&) = delete;
  SessionLocks& operator=(const SessionLocks&) = delete;
  virtual ~SessionLocks() = default;
  // Held until the pointer is gone; null if somebody else holds it.
  [[nodiscard]] virtual Result<std::shared_ptr<void>> take(std::int64_t session) = 0;
  [[nodiscard]] virtual Result<bool> held(std::int64_t session) = 0;
};

// One byte a session of a file beside the store, locked by open file description (fcntl(2), F_OFD_SETLK).
[[nodiscard]] std::unique_ptr<SessionLocks> make_file_locks(std::string path);
// For stores in memory, which no other process sees.
[[nodiscard]] std::unique_ptr<SessionLocks> make_memory_locks();

}  // namespace kerf
