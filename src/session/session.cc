#include "session/session.h"

#include <fmt/format.h>

#include "session/engine.h"

namespace kerf {

namespace {

// A page at a time, so that a session of any size is read with a bounded answer each.
Result<std::vector<NodeRecord>> all_nodes(Store& store, const SessionId& id) {
  std::vector<NodeRecord> records;
  PageRequest request{.limit = 500, .after = {}};
  for (;;) {
    Page<NodeRecord> page = TRY(store.nodes(id, request));
    for (NodeRecord& record : page.items) records.push_back(std::move(record));
    if (page.next.empty()) return records;
    request.after = page.next;
  }
}

}  // namespace

Result<SessionNodes> load_nodes(Store& store, const SessionId& id) {
  SessionNodes nodes;
  for (NodeRecord& record : TRY(all_nodes(store, id))) {
    if (record.node != static_cast<NodeIndex>(nodes.size())) {
      return fail(ErrorKind::system,
                  fmt::format("the store is damaged: node {} of session {} is missing", nodes.size(), id));
    }
    SessionNode node;
    node.index = record.node;
    node.expansion = std::move(record.expansion);
    node.outcome = record.outcome;
    node.proposal = {.candidate = {},
                     .recipe = std::move(record.recipe),
                     .move = std::move(record.move),
                     .rationale = std::move(record.rationale),
                     .usage = record.usage};
    if (record.outcome.kind != Outcome::Kind::nothing) node.proposal.candidate = TRY(store.candidate(record.candidate));
    std::vector<Evaluation> evaluations = TRY(store.evaluations(id, record.node));
    if (evaluations.empty()) evaluations.push_back(record.evaluation);
    node.evaluation = std::move(evaluations.front());
    node.remeasured.assign(std::make_move_iterator(evaluations.begin() + 1),
                           std::make_move_iterator(evaluations.end()));
    node.confirmed = std::move(record.confirmed);
    nodes.push_back(std::move(node));
  }
  return nodes;
}

Result<> Session::Engine::restore(const SessionId& session) {
  TRY(prepare());
  writer_ = TRY(parts.store.resume(session));
  id = session;
  const SessionRecord record = TRY(parts.store.session(session));
  seconds_before_ = record.state.seconds;
  spend_ = record.state.spend;
  const std::vector<SearchEvent> events = TRY(parts.store.events(session));
  TRY(replay(*search_, events));

  const SessionNodes recorded = TRY(load_nodes(parts.store, session));
  std::map<ExpansionId, NodeIndex> told;
  for (const SearchEvent& event : events) {
    if (const auto* t = std::get_if<Told>(&event)) told.emplace(t->id, t->node.value_or(-1));
    if (const auto* c = std::get_if<Cancelled>(&event)) told.emplace(c->id, -1);
  }
  std::map<NodeIndex, std::size_t> measured;
  for (const SearchEvent& event : events) TRY(replay_event(event, told, recorded, measured));
  for (SessionNode& node : nodes) node.confirmed = recorded[static_cast<std::size_t>(node.index)].confirmed;
  return {};
}

// The same steps in the same order as when they were recorded, so that whoever learns from them comes to know the same.
Result<> Session::Engine::replay_event(const SearchEvent& event, const std::map<ExpansionId, NodeIndex>& told,
                                       const SessionNodes& recorded, std::map<NodeIndex, std::size_t>& measured) {
  const auto damaged = [&](const char* what) {
    return fail(ErrorKind::system, fmt::format("session {} cannot be resumed: its record is damaged ({})", id, what));
  };
  if (const auto* asked = std::get_if<Asked>(&event)) {
    Flight& flight = take_off(asked->expansion);
    reason_ = asked->expansion.reason;
    const auto end = told.find(asked->expansion.id);
    if (end == told.end()) {  // still in flight when the process ended: written again now, from what was known then
      if (asked->expansion.task == Task::expand) propose(flight);
      return {};
    }
    if (asked->expansion.task == Task::remeasure || end->second < 0) return {};
    if (static_cast<std::size_t>(end->second) >= recorded.size()) return damaged("a node is missing");
    flight.proposal = recorded[static_cast<std::size_t>(end->second)].proposal;
    if (asked->expansion.task == Task::expand && tried_set_.insert(flight.proposal->candidate.id()).second) {
      tried_.push_back(flight.proposal->candidate.id());
    }
    return {};
  }
  if (const auto* cancelled = std::get_if<Cancelled>(&event)) {
    flights_.erase(cancelled->id);
    return {};
  }
  const Told& t = std::get<Told>(event);
  const auto it = flights_.find(t.id);
  if (it == flights_.end()) return damaged("something was told that was never asked");
  Flight flight = std::move(it->second);
  flights_.erase(it);
  if (flight.expansion.task == Task::remeasure) {
    const NodeIndex index = flight.expansion.parents.empty() ? -1 : flight.expansion.parents[0];
    if (index < 0 || static_cast<std::size_t>(index) >= nodes.size()) return damaged("a measurement of no node");
    const auto& source = recorded[static_cast<std::size_t>(index)].remeasured;
    const std::size_t nth = measured[index]++;
    if (nth < source.size()) nodes[static_cast<std::size_t>(index)].remeasured.push_back(source[nth]);
    count(progress_, Task::remeasure, t.outcome);
    return {};
  }
  if (!t.node) {
    count(progress_, flight.expansion.task, t.outcome);
    return {};
  }
  if (static_cast<std::size_t>(*t.node) >= recorded.size()) return damaged("a node is missing");
  SessionNode node = recorded[static_cast<std::size_t>(*t.node)];
  node.remeasured.clear();
  node.confirmed.reset();
  settle(std::move(flight), std::move(node));
  return {};
}

Session::Session(std::shared_ptr<Engine> engine) : engine_(std::move(engine)) {}
Session::~Session() = default;

Result<std::unique_ptr<Session>> Session::start(SessionParts parts, const SessionOptions& options,
                                                std::shared_ptr<const Understood> problem) {
  auto engine = std::make_shared<Engine>(std::move(parts), options, std::move(problem));
  TRY(engine->create());
  return std::unique_ptr<Session>(new Session(std::move(engine)));
}

Result<std::unique_ptr<Session>> Session::resume(SessionParts parts, const SessionId& id,
                                                 std::shared_ptr<const Understood> problem, const std::string& budget) {
  const SessionRecord record = TRY(parts.store.session(id));
  SessionOptions options = TRY(session_options_from_json(record.options));
  if (!budget.empty()) options.budget = budget;
  auto engine = std::make_shared<Engine>(std::move(parts), options, std::move(problem));
  TRY(engine->restore(id));
  return std::unique_ptr<Session>(new Session(std::move(engine)));
}

void Session::run(Done done) { engine_->run(std::move(done)); }
void Session::interrupt() { engine_->interrupt(); }
const SessionId& Session::id() const { return engine_->id; }
const SessionNodes& Session::nodes() const { return engine_->nodes; }
const SessionOptions& Session::options() const { return engine_->options; }
Snapshot Session::snapshot() const { return engine_->snapshot(); }

}  // namespace kerf
