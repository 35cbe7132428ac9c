#include "store/session_lock.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>
#include <set>
#include <utility>

#include "base/process.h"

namespace kerf {
namespace {

class FileLocks final : public SessionLocks {
 public:
  explicit FileLocks(std::string path) : path_(std::move(path)) {}

  Result<std::shared_ptr<void>> take(std::int64_t session) override {
    auto file = std::make_shared<Fd>(TRY(open()));
    struct flock range = byte_of(session);
    if (::fcntl(file->get(), F_OFD_SETLK, &range) == 0) return file;
    if (errno == EAGAIN || errno == EACCES) return nullptr;
    return system_error(fmt::format("cannot lock {}", path_), errno);
  }
  Result<bool> held(std::int64_t session) override {
    const Fd file = TRY(open());
    struct flock range = byte_of(session);
    if (::fcntl(file.get(), F_OFD_GETLK, &range) != 0) return system_error(fmt::format("cannot lock {}", path_), errno);
    return range.l_type != F_UNLCK;
  }

 private:
  static struct flock byte_of(std::int64_t session) {
    struct flock range{};
    range.l_type = F_WRLCK;
    range.l_whence = SEEK_SET;
    range.l_start = session;
    range.l_len = 1;
    return range;
  }
  [[nodiscard]] Result<Fd> open() const {
    Fd file(::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!file) return system_error(fmt::format("cannot open {}", path_), errno);
    return file;
  }
  std::string path_;
};

class MemoryLocks final : public SessionLocks {
 public:
  Result<std::shared_ptr<void>> take(std::int64_t session) override {
    if (!taken_->insert(session).second) return nullptr;
    // The lock may outlive this object.
    return std::shared_ptr<void>(taken_.get(), [taken = taken_, session](void*) { taken->erase(session); });
  }
  Result<bool> held(std::int64_t session) override { return taken_->contains(session); }

 private:
  std::shared_ptr<std::set<std::int64_t>> taken_ = std::make_shared<std::set<std::int64_t>>();
};

}  // namespace

std::unique_ptr<SessionLocks> make_file_locks(std::string path) { return std::make_unique<FileLocks>(std::move(path)); }
std::unique_ptr<SessionLocks> make_memory_locks() { return std::make_unique<MemoryLocks>(); }

}  // namespace kerf
