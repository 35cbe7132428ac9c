#include "session/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "session/confirm.h"
#include "session/recall.h"

namespace kerf {

namespace {

constexpr int max_tries = 3;          // of one evaluation that fails through our own fault
constexpr int max_lost_in_a_row = 3;  // expansions lost before the session ends: more would be lost the same way
constexpr int max_confirmation_tries = 8;

bool hopeless(const Error& error) { return error.kind == ErrorKind::unavailable || error.kind == ErrorKind::user; }

}  // namespace

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

std::optional<std::string> Session::Engine::node_of_code(const std::string& code) const {
  const auto found = codes_.find(code);
  if (found == codes_.end()) return std::nullopt;
  const SessionNode& node = nodes[static_cast<std::size_t>(found->second)];
  return fmt::format("node {}, whose verdict was {}", node.index, to_string(node.evaluation.verdict));
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

Session::Engine::Flight& Session::Engine::take_off(const Expansion& expansion) {
  Flight& flight = flights_[expansion.id];
  flight.expansion = expansion;
  if (expansion.task == Task::expand) {
    SynthesisRequest& request = flight.request;
    request.expansion = expansion.id;
    request.problem = problem_;
    request.target = parts.target_facts;
    request.language = language_from(options.language).value_or(Language::cpp);
    request.tried = tried_;
    request.seed = expansion.seed;
    request.may_call = [weak = weak_from_this(), id = expansion.id](int attempt) {
      const auto self = weak.lock();
      return self && self->may_call(id, attempt);
    };
    recall(request, expansion, nodes);
  } else if (expansion.task == Task::remeasure && !expansion.parents.empty()) {
    const auto parent = static_cast<std::size_t>(expansion.parents[0]);
    if (parent < nodes.size()) flight.proposal = nodes[parent].proposal;
  }
  return flight;
}

void Session::Engine::carry_out(ExpansionId expansion) {
  Flight& flight = flights_.at(expansion);
  if (flight.proposing) return;
  if (flight.lost) {
    if (!parts.script) take_back(expansion, Error(*flight.lost));
  } else if (flight.nothing) {
    nothing_new(expansion);
  } else if (flight.proposal) {
    submit(expansion);
  } else if (flight.written) {
    if (!parts.script || flight.recorded) accept(expansion);
  } else if (flight.expansion.task == Task::expand) {
    propose(flight);
  } else if (flight.expansion.task == Task::root) {
    Result<Candidate> identity = parts.identity(*problem_);
    if (!identity) {
      parts.view.note("no identity plan: " + identity.error().message);
      return nothing_new(expansion);
    }
    Proposal proposal;
    proposal.candidate = std::move(*identity);
    proposal.move = "identity";
    proposal.rationale = "the reference's own operators, called one by one";
    flight.proposal = std::move(proposal);
    submit(expansion);
  } else {
    nothing_new(expansion);
  }
}

void Session::Engine::propose(Flight& flight) {
  flight.proposing = true;
  const ExpansionId expansion = flight.expansion.id;
  // The reply may come before propose returns and end the flight.
  const auto ticket = parts.synthesizer.propose(flight.request, guarded(&Engine::proposed, expansion));
  if (const auto it = flights_.find(expansion); it != flights_.end()) it->second.ticket = ticket;
}

void Session::Engine::proposed(ExpansionId expansion, Result<std::optional<Proposal>> reply) {
  const auto it = flights_.find(expansion);
  if (it == flights_.end() || done_called_ || interrupted_) return;
  Flight& flight = it->second;
  flight.proposing = false;
  if (!reply && (parts.script || !running_)) {  // while it is being restored, what came of it waits for its turn, too
    flight.lost = reply.error();
    if (parts.script) schedule_pump();
    return;
  }
  if (!reply) return take_back(expansion, reply.error());
  if (flight.nothing) return;
  flight.written = std::move(*reply);
  if (!running_) return;  // being restored: run() carries it out
  if (parts.script && !flight.recorded) return schedule_pump();
  accept(expansion);
}

bool Session::Engine::remember(const std::string& candidate) {
  if (!tried_set_.insert(candidate).second) return false;
  tried_.push_back(candidate);
  return true;
}

void Session::Engine::accept(ExpansionId expansion) {
  Flight& flight = flights_.at(expansion);
  std::optional<Proposal> proposal = *std::exchange(flight.written, std::nullopt);
  const std::string candidate = proposal ? proposal->candidate.id() : "";
  bool fresh = true;
  if (flight.recorded) {
    // It counted as new when it first came.
    if (*flight.recorded != candidate) {
      return take_back(expansion, {.kind = ErrorKind::system,
                                   .message = "what was written before the process ended is not written again"});
    }
  } else {
    const std::string closed_by = proposal ? "" : flight.closed_by;
    if (!kept(writer_->append(Proposed{.id = expansion, .candidate = candidate, .closed_by = closed_by}))) return;
    fresh = proposal && remember(candidate);
  }
  // What was written before is no news, and costs no evaluation.
  if (!proposal || !fresh) return nothing_new(expansion);
  flight.proposal = std::move(proposal);
  parts.loop.post([submit = guarded(&Engine::submit, expansion)] { submit(); });
}

void Session::Engine::nothing_new(ExpansionId expansion) {
  flights_.at(expansion).nothing = true;
  if (parts.script) return schedule_pump();
  parts.loop.post([tell = guarded(&Engine::tell_nothing, expansion)] { tell(); });
}

void Session::Engine::submit(ExpansionId expansion) {
  const auto it = flights_.find(expansion);
  if (it == flights_.end() || done_called_ || interrupted_) return;
  Flight& flight = it->second;
  ++flight.tries;
  EvaluationRequest request{.problem = problem_,
                            .effort = Effort::screen,
                            .remeasure = flight.expansion.task == Task::remeasure,
                            .expansion = expansion};
  if (flight.expansion.task == Task::expand) {
    request.known_code = [weak = weak_from_this()](const std::string& code) {
      const auto self = weak.lock();
      return self ? self->node_of_code(code) : std::nullopt;
    };
  }
  parts.evaluator.submit(flight.proposal->candidate, std::move(request), guarded(&Engine::evaluated, expansion));
}

void Session::Engine::evaluated(ExpansionId expansion, Result<Evaluation> evaluation) {
  const auto it = flights_.find(expansion);
  if (it == flights_.end() || done_called_ || interrupted_) return;
  if (evaluation) {
    lost_in_a_row_ = 0;
    it->second.judged = std::move(*evaluation);
    return parts.script ? schedule_pump() : tell(expansion);
  }
  const Error error = std::move(evaluation).error();
  if (error.kind == ErrorKind::deferred) {
    it->second.deferred = true;
    return schedule_pump();
  }
  if (parts.script) {
    it->second.lost = error;
    return schedule_pump();
  }
  if (!hopeless(error) && it->second.tries < max_tries) {
    parts.view.note(
        fmt::format("an evaluation failed through no fault of the candidate ({}); trying again", error.message));
    parts.loop.post([submit = guarded(&Engine::submit, expansion)] { submit(); });
    return;
  }
  take_back(expansion, error);
}

void Session::Engine::take_back(ExpansionId expansion, const Error& error) {
  const bool root = flights_.at(expansion).expansion.task == Task::root;
  search_->cancel(expansion);
  flights_.erase(expansion);
  charge(expansion);
  if (!kept(writer_->append(Cancelled{expansion}))) return;
  if (hopeless(error) || root || ++lost_in_a_row_ >= max_lost_in_a_row) return fail_with(error);
  parts.view.note("an expansion was lost: " + error.message);
  schedule_pump();
}

void Session::Engine::charge(ExpansionId expansion) {
  const auto calls = charges_.extract(expansion);
  if (!calls.empty()) parts.synthesizer.charge(calls.mapped());
}

void Session::Engine::tell_nothing(ExpansionId expansion) {
  const auto it = flights_.find(expansion);
  if (it == flights_.end() || done_called_ || interrupted_) return;
  const Outcome outcome{};
  Flight flight = std::move(it->second);
  flights_.erase(it);
  charge(expansion);
  const auto node = search_->tell(expansion, outcome);
  if (!node) return fail_with(node.error());
  Told told{.id = expansion, .outcome = outcome, .node = *node};
  if (*node) {  // the root without an identity plan
    SessionNode root{.index = **node,
                     .expansion = flight.expansion,
                     .proposal = {},
                     .outcome = outcome,
                     .evaluation = {},
                     .remeasured = {},
                     .confirmed = std::nullopt};
    root.evaluation.message = "no identity plan could be written";
    if (!kept(writer_->record(NewNode{.told = told,
                                      .expansion = flight.expansion,
                                      .candidate = {},
                                      .recipe = nullptr,
                                      .move = {},
                                      .rationale = {},
                                      .prompt = {},
                                      .usage = {},
                                      .evaluation = root.evaluation}))) {
      return;
    }
    nodes.push_back(std::move(root));
  } else if (!kept(writer_->append(told))) {
    return;
  }
  count(progress_, flight.expansion.task, outcome);
  schedule_pump();
}

void Session::Engine::tell(ExpansionId expansion) {
  const auto it = flights_.find(expansion);
  Evaluation evaluation = std::move(*it->second.judged);
  const Outcome outcome = outcome_of(evaluation);
  Flight flight = std::move(it->second);
  flights_.erase(it);
  const auto index = search_->tell(expansion, outcome);
  if (!index) return fail_with(index.error());
  const Told told{.id = expansion, .outcome = outcome, .node = *index};

  if (flight.expansion.task == Task::remeasure) {
    const NodeIndex measured = flight.expansion.parents[0];
    SessionNode& node = nodes[static_cast<std::size_t>(measured)];
    if (!kept(writer_->record(NewMeasurement{.told = told, .node = measured, .evaluation = evaluation}))) {
      return;
    }
    node.remeasured.push_back(std::move(evaluation));
    count(progress_, Task::remeasure, outcome);
    if (!save_state(SessionStatus::running)) return;
    parts.view.judged(snapshot(), node);
  } else {
    SessionNode node{.index = index->value_or(static_cast<NodeIndex>(nodes.size())),
                     .expansion = flight.expansion,
                     .proposal = *flight.proposal,
                     .outcome = outcome,
                     .evaluation = std::move(evaluation),
                     .remeasured = {},
                     .confirmed = std::nullopt};
    if (!kept(writer_->record(NewNode{.told = told,
                                      .expansion = flight.expansion,
                                      .candidate = node.proposal.candidate,
                                      .recipe = node.proposal.recipe,
                                      .move = node.proposal.move,
                                      .rationale = node.proposal.rationale,
                                      .prompt = node.proposal.prompt,
                                      .usage = node.proposal.usage,
                                      .evaluation = node.evaluation}))) {
      return;
    }
    settle(std::move(flight), std::move(node));
    if (!save_state(SessionStatus::running)) return;
    parts.view.judged(snapshot(), nodes.back());
  }
  schedule_pump();
}

void Session::Engine::settle(Flight flight, SessionNode node) {
  count(progress_, flight.expansion.task, node.outcome);
  if (node.outcome.kind == Outcome::Kind::failed && flight.expansion.task == Task::expand) ++failed_;
  charge(flight.expansion.id);
  if (flight.expansion.task == Task::expand) parts.synthesizer.learn(flight.request, node.proposal, node.evaluation);
  if (node.has_candidate()) remember(node.proposal.candidate.id());
  if (!node.evaluation.code.empty()) codes_.try_emplace(node.evaluation.code, node.index);
  nodes.push_back(std::move(node));
}

void Session::Engine::begin_confirming() {
  phase_ = Phase::confirming;
  to_confirm_ = confirmation_order(nodes, search_->best());
  for (const SessionNode& node : nodes) {  // by a process that died while confirming
    if (!node.confirmed) continue;
    ++confirmation_tries_;
    if (outcome_of(*node.confirmed).kind == Outcome::Kind::measured) ++confirmations_;
  }
  tell_view();
  confirm_next();
}

void Session::Engine::confirm_next() {
  const auto node_of = [&](NodeIndex i) -> SessionNode& { return nodes[static_cast<std::size_t>(i)]; };
  std::erase_if(to_confirm_, [&](NodeIndex i) { return node_of(i).confirmed.has_value(); });
  // Runners-up that the search already saw to be slower than the library are not worth a run.
  std::erase_if(to_confirm_, [&](NodeIndex i) {
    return i != 0 && confirmations_ + confirmations_awaited_ > 0 && pooled_log_speedup(node_of(i)) <= 0;
  });
  std::optional<NodeIndex> next;
  if (confirmations_ + confirmations_awaited_ < options.confirm && confirmation_tries_ < max_confirmation_tries &&
      !to_confirm_.empty()) {
    next = to_confirm_.front();
    to_confirm_.erase(to_confirm_.begin());
  } else if (confirmations_awaited_ > 0) {
    return wait_elsewhere(static_cast<std::size_t>(confirmations_awaited_));
  } else if (const HandOver now = hand_over(nodes); options.confirm > 0 && now.node && !now.confirmed) {
    // No win: the identity plan is handed over, and its times ought to be quotable, too.
    const SessionNode& node = node_of(*now.node);
    if (!node.confirmed && !is_untimed(node.best_known()) && confirmation_tries_ < max_confirmation_tries + 1)
      next = now.node;
  }
  if (!next) return finish(SessionStatus::finished);
  ++confirmation_tries_;
  parts.evaluator.submit(node_of(*next).proposal.candidate,
                         {.problem = problem_, .effort = Effort::confirm, .remeasure = true},
                         [weak = weak_from_this(), node = *next](Result<Evaluation> evaluation) {
                           if (const auto self = weak.lock()) self->confirmed(node, std::move(evaluation));
                         });
}

void Session::Engine::confirmed(NodeIndex index, Result<Evaluation> evaluation) {
  if (done_called_ || interrupted_) return;
  SessionNode& node = nodes[static_cast<std::size_t>(index)];
  if (!evaluation && evaluation.error().kind == ErrorKind::deferred) {
    ++confirmations_awaited_;
  } else if (!evaluation) {
    parts.view.note(fmt::format("node {} could not be confirmed: {}", index, evaluation.error().message));
    if (hopeless(evaluation.error())) return fail_with(std::move(evaluation).error());
  } else {
    if (!kept(writer_->confirm(index, *evaluation))) return;
    if (outcome_of(*evaluation).kind == Outcome::Kind::measured)  // not so where it was quarantined
      ++confirmations_;
    else
      parts.view.note(
          fmt::format("node {} did not stand up to the confirming run: {}", index, evaluation->message.value_or("?")));
    node.confirmed = std::move(*evaluation);
    if (!save_state(SessionStatus::running)) return;
    parts.view.judged(snapshot(), node);
  }
  parts.loop.post([weak = weak_from_this()] {
    if (const auto self = weak.lock(); self && !self->done_called_ && !self->interrupted_) self->confirm_next();
  });
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
