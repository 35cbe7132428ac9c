#include "session/suite_queue.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace kerf {
namespace {

bool to_do(const SuiteEntry& entry) { return !entry.done || entry.verdict == "failed"; }

}  // namespace

SuiteQueue::SuiteQueue(SuiteRun& run, std::size_t problems, Save save)
    : run_(run), problems_(std::min(problems, run.entries.size())), save_(std::move(save)) {}

std::optional<SuiteQueue::Turn> SuiteQueue::next() {
  const std::scoped_lock lock(mutex_);
  while (next_ < problems_ && !to_do(run_.entries[next_])) ++next_;
  if (stopped_ || interrupted_ || next_ == problems_) return std::nullopt;
  const std::size_t index = next_++;
  return Turn{.index = index, .entry = run_.entries[index], .left = problems_ - index, .worked = worked_};
}

Result<> SuiteQueue::keep(const Turn& turn) {
  const std::scoped_lock lock(mutex_);
  run_.entries[turn.index] = turn.entry;
  return save_(run_);
}

void SuiteQueue::ended(const Turn& turn, const Result<SessionStatus>& status) {
  const std::scoped_lock lock(mutex_);
  ++worked_;
  run_.entries[turn.index] = turn.entry;
  if (auto saved = save_(run_); !saved) return stop(std::move(saved).error());
  if (!status) {
    if (status.error().kind != ErrorKind::cancelled) return stop(status.error());
    interrupted_ = true;
  } else if (*status == SessionStatus::interrupted) {
    interrupted_ = true;
  } else if (*status != SessionStatus::failed) {
    failures_ = 0;
  } else if (++failures_ >= max_failures_in_a_row) {
    stop({.kind = ErrorKind::system,
          .message = fmt::format("{} problems in a row failed for reasons that are not theirs, the last: {}; go on "
                                 "with --id {}",
                                 failures_, turn.entry.message, run_.id)});
  }
}

void SuiteQueue::interrupt() {
  const std::scoped_lock lock(mutex_);
  interrupted_ = true;
}

// The first reason counts: what others say afterwards follows from it, or says the same.
void SuiteQueue::stop(Error error) {
  if (!std::exchange(stopped_, true)) result_ = std::unexpected(std::move(error));
}

}  // namespace kerf
