// What may still be asked: a budget counts what is in flight, and foresees what a call to a model may cost.
#include <fmt/format.h>

#include <algorithm>

#include "session/engine.h"

namespace kerf {

Progress Session::Engine::progress_now() const {
  Progress now = progress_;
  now.seconds = elapsed();
  now.tokens = spend_.tokens();
  now.usd = spend_.known_usd;
  now.usd_known = spend_.unpriced == 0;
  return now;
}

// The largest call so far; before the first, what can be foreseen of one.
void Session::Engine::add_foreseen(Progress& progress, int calls) const {
  const Spend& from = spend_.calls > 0 ? spend_ : parts.foreseen;
  progress.tokens += calls * from.largest_tokens;
  progress.usd += calls * from.largest_usd;
}

std::optional<StopReason> Session::Engine::should_stop() const {
  const Progress now = progress_now();
  if (std::optional<StopReason> reason = stopper_->stop(now)) return reason;
  if (!flights_.empty() || spend_.calls == 0) return std::nullopt;
  Progress ahead = now;
  add_foreseen(ahead, 1);
  std::optional<StopReason> reason = stopper_->stop(ahead);
  if (reason) {
    reason->why = fmt::format("{} tokens{} were spent, and one more call like the largest might overrun the budget",
                              spend_.tokens(), spend_.usd() ? fmt::format(" ({:.4g} dollars)", *spend_.usd()) : "");
  }
  return reason;
}

// Counts what is in flight as if it had been judged and paid for, so that a budget of candidates is met exactly, and
// one of tokens or dollars is overrun by no more than a call that is larger than all before it.
bool Session::Engine::may_ask() const {
  if (parts.asks ? asked_ >= *parts.asks : static_cast<int>(flights_.size()) >= options.jobs) return false;
  Progress ahead = progress_now();
  int calls = flights_.empty() ? 0 : 1;
  for (const auto& [expansion, flight] : flights_) {
    if (flight.expansion.task == Task::expand) ++ahead.candidates;
    if (flight.proposing) ++calls;
  }
  add_foreseen(ahead, calls);
  return !stopper_->stop(ahead);
}

// A correction, or what another member of a mixture asks after one had nothing. What was paid for before the process
// ended is used again in any case; a script has what was asked then.
bool Session::Engine::may_call(ExpansionId expansion, int attempt) {
  const auto it = flights_.find(expansion);
  if (it == flights_.end()) return false;
  bool may = false;
  if (parts.script) {
    may = parts.script->calls.contains({expansion, attempt});
  } else if (const auto paid = find({.expansion = expansion, .attempt = attempt}); paid && *paid) {
    may = true;
  } else {
    Progress ahead = progress_now();
    add_foreseen(ahead, static_cast<int>(std::ranges::count_if(flights_, [](const auto& f) {
                   return f.second.proposing;  // this one, too
                 })));
    const auto reason = stopper_->stop(ahead);
    may = !reason;
    if (reason) {
      parts.view.note(fmt::format(
          "expansion {} is closed: a further attempt to get a candidate out of the model might overrun the budget",
          expansion));
    }
  }
  if (!may) it->second.closed_by = "budget";
  return may;
}

}  // namespace kerf
