#include "session/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "session/confirm.h"

namespace kerf {

Session::Engine::Engine(SessionParts p, SessionOptions o, std::shared_ptr<const Understood> problem)
    : parts(std::move(p)), options(std::move(o)), problem_(std::move(problem)) {
  if (parts.exchanges != nullptr) parts.exchanges->behind = this;
}

Session::Engine::~Engine() {
  if (parts.exchanges != nullptr && parts.exchanges->behind == this) parts.exchanges->behind = nullptr;
}

Result<> Session::Engine::prepare() {
  search_ = TRY(make_search(options.search));
  stopper_ = TRY(parse_budget(options.budget));
  if (options.jobs < 1 || options.jobs > 64)
    return user_error(fmt::format("--jobs {}: 1 to 64 were expected", options.jobs));
  started_ = parts.clock.now();
  return {};
}

Result<> Session::Engine::create() {
  options.search.repair = parts.synthesizer.repairs();
  options.search.fruitless = parts.script ? parts.script->fruitless : parts.synthesizer.fruitless();
  TRY(prepare());
  NewSession session{.task = {.id = {}, .problem = problem_->problem, .target = options.target},
                     .options = to_json(options),
                     .understood = to_json(*problem_),
                     .versions = parts.versions};
  // With the target's facts, all that exports, prompts and replays need, long after the oracle that traced it is gone.
  session.understood["target"] = parts.target_facts;
  writer_ = TRY(parts.store.create(session));
  id = writer_->id();
  return {};
}

double Session::Engine::elapsed() const {
  return seconds_before_ + (running_ ? seconds(parts.clock.now() - started_) : 0);
}

void Session::Engine::run(Done done) {
  done_ = std::move(done);
  running_ = true;
  started_ = parts.clock.now();
  if (!save_state(SessionStatus::running)) return;
  std::vector<ExpansionId> resumed;
  for (const auto& [expansion, flight] : flights_) resumed.push_back(expansion);
  for (const ExpansionId expansion : resumed) {
    if (!done_called_) carry_out(expansion);
  }
  tell_view();
  schedule_pump();
}

void Session::Engine::schedule_pump() {
  if (pumping_) return;
  pumping_ = true;
  parts.loop.post([weak = weak_from_this()] {
    if (const auto self = weak.lock()) {
      self->pumping_ = false;
      self->pump();
    }
  });
}

bool Session::Engine::ask(const Expansion& expansion) {
  if (!kept(writer_->append(Asked{expansion}))) return false;
  ++asked_;
  reason_ = expansion.reason;
  take_off(expansion);
  carry_out(expansion.id);
  return !done_called_;
}

void Session::Engine::pump() {
  if (phase_ != Phase::searching || done_called_ || interrupted_) return;
  if (parts.script) return follow();
  if (!stopped_) stopped_ = should_stop();
  while (!stopped_ && may_ask()) {
    const std::vector<Expansion> asked = search_->ask(1);
    if (asked.empty()) break;
    if (!ask(asked[0])) return;
  }
  tell_view();
  // With nobody to ask now, further candidates may still come: only a reason to stop ends the search.
  if (flights_.empty() && (!parts.asks || (*parts.asks == 0 && stopped_))) {
    if (!stopped_) stopped_ = StopReason{.by = "exhausted", .why = "there was nothing left to try"};
    return begin_confirming();
  }
  const auto awaited = [&](const auto& f) { return f.second.deferred || (parts.asks && f.second.proposing); };
  if ((parts.asks || !flights_.empty()) && std::ranges::all_of(flights_, awaited)) wait_elsewhere(flights_.size());
}

void Session::Engine::wait_elsewhere(std::size_t awaited) {
  stopped_ = StopReason{.by = "waiting", .why = fmt::format("{} answers are awaited", awaited)};
  finish(SessionStatus::interrupted);
}

void Session::Engine::follow() {
  const std::vector<SearchEvent>& events = parts.script->events;
  while (static_cast<std::size_t>(step_) < events.size()) {
    if (!follow(events[static_cast<std::size_t>(step_)])) {
      if (!done_called_) tell_view();
      return;
    }
  }
  // What was in flight when the recording was made has no end in it.
  stopped_ = parts.script->stopped.by.empty() ? StopReason{.by = "recording", .why = "the recording ends here"}
                                              : parts.script->stopped;
  begin_confirming();
}

bool Session::Engine::follow(const SearchEvent& step) {
  const ExpansionId expansion = expansion_of(step);
  if (const auto* asked = std::get_if<Asked>(&step)) {
    const std::vector<Expansion> again = search_->ask(1);
    if (again.empty() || !(again[0] == asked->expansion)) {
      fail_with(
          user_error(fmt::format("the recording has expansion {} next, this kerf {}: it was made by another "
                                 "version or with other options",
                                 expansion, again.empty() ? "nothing" : fmt::format("another one, {}", again[0].id)))
              .error());
      return false;
    }
    return ask(again[0]);
  }
  const auto it = flights_.find(expansion);
  if (it == flights_.end()) {
    fail_with(user_error(fmt::format("the recording is damaged: expansion {} is not in flight", expansion)).error());
    return false;
  }
  if (std::holds_alternative<Cancelled>(step)) {
    if (it->second.proposing) parts.synthesizer.cancel(it->second.ticket);
    search_->cancel(expansion);
    flights_.erase(it);
    charge(expansion);
    return kept(writer_->append(Cancelled{expansion}));
  }
  if (it->second.lost) {
    fail_with(*it->second.lost);
    return false;
  }
  const Step64 before = step_;
  if (std::holds_alternative<Proposed>(step)) {
    if (it->second.written) accept(expansion);
  } else if (it->second.nothing) {
    tell_nothing(expansion);
  } else if (it->second.judged) {
    tell(expansion);
  }
  return step_ > before && !done_called_;
}

void Session::Engine::interrupt() {
  if (done_called_ || interrupted_) return;
  interrupted_ = true;
  stopped_ = StopReason{.by = "interrupted", .why = "it was interrupted"};
  for (const auto& [expansion, flight] : flights_) {
    if (flight.proposing) parts.synthesizer.cancel(flight.ticket);
  }
  parts.evaluator.cancel_all();
  // In the store they stay in flight: a resumed session carries them out.
  finish(SessionStatus::interrupted);
}

void Session::Engine::abandon_proposals() {
  stopped_ = StopReason{.by = "outside", .why = "no further candidates were waited for"};
  for (const ExpansionId expansion : waiting()) {
    parts.synthesizer.cancel(flights_.at(expansion).ticket);
    search_->cancel(expansion);
    flights_.erase(expansion);
    charge(expansion);
    if (!kept(writer_->append(Cancelled{expansion}))) return;
  }
}

std::vector<ExpansionId> Session::Engine::waiting() const {
  std::vector<ExpansionId> ids;
  for (const auto& [expansion, flight] : flights_) {
    if (flight.proposing) ids.push_back(expansion);
  }
  return ids;
}

Result<> Session::Engine::keep(const Exchange& exchange) {
  if (!writer_) return fail(ErrorKind::internal, "an exchange before the session was there");
  const Result<> done = writer_->keep(exchange);
  if (done) {
    spend_.add(exchange.reply);
    charges_[exchange.purpose.expansion].push_back({.model = exchange.model, .usage = usage_of(exchange.reply)});
  } else {
    store_refused(done.error());
  }
  return done;
}

Result<std::optional<Exchange>> Session::Engine::find(Purpose purpose) { return parts.store.exchange(id, purpose); }

void Session::Engine::fail_with(Error error) {
  error_ = std::move(error);
  if (!stopped_) stopped_ = StopReason{.by = "error", .why = error_->message};
  parts.evaluator.cancel_all();
  finish(SessionStatus::failed);
}

void Session::Engine::store_refused(const Error& error) {
  if (!error_) {
    error_ = error;
    stopped_ = StopReason{.by = "error", .why = error_->message};
    parts.evaluator.cancel_all();
    finish(SessionStatus::failed);
  }
}

SessionState Session::Engine::state(SessionStatus status) const {
  const Snapshot now = snapshot();
  return {.status = status,
          .stopped_by = status == SessionStatus::running || !stopped_ ? "" : stopped_->by,
          .message = status == SessionStatus::running || !stopped_ ? "" : stopped_->why,
          .seconds = now.progress.seconds,
          .candidates = now.progress.candidates,
          .best = now.best,
          .speedup = now.best_speedup,
          .fraction_of_speed_of_light = now.best_fraction_of_speed_of_light,
          .spend = spend_};
}

bool Session::Engine::save_state(SessionStatus status) { return kept(writer_->set_state(state(status))); }

void Session::Engine::finish(SessionStatus status) {
  if (done_called_) return;
  const HandOver handed = hand_over(nodes);
  phase_ = Phase::finished;
  const bool had_error = error_.has_value();
  // A store that refuses even this has been reported already.
  if (const auto saved = writer_->set_state(state(status)); !saved && !had_error) {
    error_ = saved.error();
    status = SessionStatus::failed;
  }
  done_called_ = true;
  tell_view();
  SessionResult result{
      .session = id,
      .status = status,
      .stopped = stopped_.value_or(StopReason{.by = "exhausted", .why = "there was nothing left to try"}),
      .candidates = progress_.candidates,
      .seconds = elapsed(),
      .spend = spend_,
      .best = handed.node,
      .win = handed.win,
      .confirmed = handed.confirmed,
      .reference = handed.reference,
      .error = error_};
  parts.loop.post([done = std::move(done_), result = std::move(result)] { done(result); });
}

Snapshot Session::Engine::snapshot() const {
  Snapshot s;
  s.session = id;
  s.problem = problem_->problem.id;
  s.phase = phase_;
  s.progress = progress_now();
  s.spend = spend_;
  s.in_flight = static_cast<int>(flights_.size());
  s.failed = failed_;
  s.best = phase_ == Phase::finished ? hand_over(nodes).node : search_->best();
  if (s.best && static_cast<std::size_t>(*s.best) < nodes.size()) {
    const Evaluation& evaluation = nodes[static_cast<std::size_t>(*s.best)].best_known();
    if (const Ratio* speedup = speedup_of(evaluation)) s.best_speedup = *speedup;
    if (evaluation.receipt) s.best_fraction_of_speed_of_light = evaluation.receipt->fraction_of_speed_of_light;
  }
  s.reason = reason_;
  s.budget = stopper_->describe();
  s.seconds_left = phase_ == Phase::searching ? stopper_->seconds_left(s.progress) : std::nullopt;
  s.interrupted = interrupted_;
  return s;
}

void Session::Engine::tell_view() { parts.view.show(snapshot()); }

}  // namespace kerf
