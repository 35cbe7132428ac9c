// Writes sessions into a SQLite file.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "store/session_lock.h"
#include "store/sqlite.h"
#include "store/store.h"

namespace kerf {

// Held by all who read or write it.
struct StoreFile {
  std::unique_ptr<Database> database;
  std::unique_ptr<SessionLocks> locks;
  const Clock* clock;

  // Stores an artifact, unless it is there.
  [[nodiscard]] Result<> put(const std::string& digest, std::string_view kind, std::string_view name,
                             std::string_view bytes) const;
};

// `number` and `id` are those of a session of the file, `lock` is what it is held by, `step` its last step.
[[nodiscard]] std::unique_ptr<SessionWriter> make_session_writer(std::shared_ptr<StoreFile> file, SessionId id,
                                                                 std::int64_t number, std::shared_ptr<void> lock,
                                                                 Step64 step);

}  // namespace kerf
