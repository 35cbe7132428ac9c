// Which problem of a suite run is next, and what came of those that were: for sessions side by side, each on a thread
// of its own. The run's entries are written by the queue alone, one at a time.
#pragma once

#include <cstddef>
#include <functional>
#include <mutex>
#include <optional>

#include "session/session.h"
#include "session/suite.h"

namespace kerf {

class SuiteQueue {
 public:
  // Entries of `run` from the first on, `problems` of them, that are not done (those that failed are tried again).
  // `save` is called whenever an entry has changed. All must outlive the queue.
  using Save = std::function<Result<>(const SuiteRun& run)>;
  SuiteQueue(SuiteRun& run, std::size_t problems, Save save);

  struct Turn {
    std::size_t index = 0;
    SuiteEntry entry;
    std::size_t left = 0;  // this one included
    int worked = 0;        // how many have ended before
  };
  // Nothing where all were handed out, or no more is to begin: the run was interrupted, or something failed that would
  // fail everywhere.
  [[nodiscard]] std::optional<Turn> next();
  // Before the first turn: that the run is there.
  [[nodiscard]] Result<> save() const { return save_(run_); }
  // Of a turn under way: its session has begun.
  [[nodiscard]] Result<> keep(const Turn& turn);
  // A turn is over. `status` is an error where it would fail everywhere (kind cancelled: it was interrupted).
  void ended(const Turn& turn, const Result<SessionStatus>& status);

  // Nothing begins any more; what is under way is asked otherwise.
  void interrupt();
  [[nodiscard]] bool interrupted() const {
    const std::scoped_lock lock(mutex_);
    return interrupted_;
  }
  // Once all turns are over: why the run ended before all problems had their turn, if it was not interrupted.
  [[nodiscard]] Result<> result() const { return result_; }

 private:
  void stop(Error error);

  static constexpr int max_failures_in_a_row = 3;  // of ours: the next problem would fail the same way
  mutable std::mutex mutex_;
  SuiteRun& run_;
  const std::size_t problems_;
  Save save_;
  std::size_t next_ = 0;
  int failures_ = 0, worked_ = 0;
  bool interrupted_ = false, stopped_ = false;
  Result<> result_;
};

}  // namespace kerf
