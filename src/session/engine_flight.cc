// How an expansion goes, from the request that is composed for it to the node that it becomes.
#include <fmt/format.h>

#include <utility>

#include "session/engine.h"
#include "session/recall.h"

namespace kerf {

namespace {

constexpr int max_tries = 3;          // of one evaluation that fails through our own fault
constexpr int max_lost_in_a_row = 3;  // expansions lost before the session ends: more would be lost the same way

}  // namespace

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

std::optional<std::string> Session::Engine::node_of_code(const std::string& code) const {
  const auto found = codes_.find(code);
  if (found == codes_.end()) return std::nullopt;
  const SessionNode& node = nodes[static_cast<std::size_t>(found->second)];
  return fmt::format("node {}, whose verdict was {}", node.index, to_string(node.evaluation.verdict));
}

void Session::Engine::submit(ExpansionId expansion) {
  const auto it = flights_.find(expansion);
  if (it == flights_.end() || done_called_ || interrupted_) return;
  Flight& flight = it->second;
  ++flight.tries;
  EvaluationRequest request{.problem = problem_,
                            .effort = Effort::screen,
                            .traces = parts.exchanges != nullptr,  // a model is told of them
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

}  // namespace kerf
