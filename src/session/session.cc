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
                     .prompt = record.prompt.empty() ? "" : TRY(store.artifact(record.prompt)),
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

// What the store knows of the session that is being restored.
struct Session::Engine::Restoring {
  SessionNodes nodes;
  std::map<ExpansionId, NodeIndex> ended;      // told or cancelled; -1: without a node
  std::map<ExpansionId, std::string> written;  // what came, by digest
  std::map<NodeIndex, std::size_t> measured;   // remeasurements replayed so far
};

Result<> Session::Engine::restore(const SessionId& session) {
  TRY(prepare());
  writer_ = TRY(parts.store.resume(session));
  id = session;
  const SessionRecord record = TRY(parts.store.session(session));
  seconds_before_ = record.state.seconds;
  spend_ = TRY(parts.store.spent(session));
  charges_ = TRY(parts.store.charges(session));
  const std::vector<SearchEvent> events = TRY(parts.store.events(session));
  step_ = static_cast<Step64>(events.size());
  TRY(replay(*search_, events));

  Restoring from{.nodes = TRY(load_nodes(parts.store, session)), .ended = {}, .written = {}, .measured = {}};
  for (const SearchEvent& event : events) {
    if (const auto* t = std::get_if<Told>(&event)) from.ended.emplace(t->id, t->node.value_or(-1));
    if (const auto* c = std::get_if<Cancelled>(&event)) from.ended.emplace(c->id, -1);
    if (const auto* p = std::get_if<Proposed>(&event)) from.written.emplace(p->id, p->candidate);
  }
  for (const SearchEvent& event : events) TRY(replay_event(event, from));
  for (SessionNode& node : nodes) node.confirmed = from.nodes[static_cast<std::size_t>(node.index)].confirmed;
  return {};
}

// The same steps in the same order as when they were recorded, so that whoever learns from them comes to know the same.
Result<> Session::Engine::replay_event(const SearchEvent& event, Restoring& from) {
  const auto damaged = [&](const char* what) {
    return fail(ErrorKind::system, fmt::format("session {} cannot be resumed: its record is damaged ({})", id, what));
  };
  if (const auto* asked = std::get_if<Asked>(&event)) {
    Flight& flight = take_off(asked->expansion);
    reason_ = asked->expansion.reason;
    const auto end = from.ended.find(asked->expansion.id);
    if (end == from.ended.end()) {
      // Still in flight when the process ended: written again now, from what was known then.
      const auto written = from.written.find(asked->expansion.id);
      if (written != from.written.end()) flight.recorded = written->second;
      flight.nothing = flight.recorded && flight.recorded->empty();
      if (asked->expansion.task == Task::expand && !flight.nothing) propose(flight);
      return {};
    }
    if (asked->expansion.task == Task::remeasure || end->second < 0) return {};
    if (static_cast<std::size_t>(end->second) >= from.nodes.size()) return damaged("a node is missing");
    flight.proposal = from.nodes[static_cast<std::size_t>(end->second)].proposal;
    return {};
  }
  const auto it = flights_.find(expansion_of(event));
  if (it == flights_.end()) return damaged("something came of what was never asked");
  if (const auto* written = std::get_if<Proposed>(&event)) {
    if (written->candidate.empty() || !remember(written->candidate)) it->second.nothing = true;
    return {};
  }
  Flight flight = std::move(it->second);
  flights_.erase(it);
  if (std::holds_alternative<Cancelled>(event)) {
    charge(flight.expansion.id);
    return {};
  }
  const Told& t = std::get<Told>(event);
  if (flight.expansion.task == Task::remeasure) {
    const NodeIndex index = flight.expansion.parents.empty() ? -1 : flight.expansion.parents[0];
    if (index < 0 || static_cast<std::size_t>(index) >= nodes.size()) return damaged("a measurement of no node");
    const auto& source = from.nodes[static_cast<std::size_t>(index)].remeasured;
    const std::size_t nth = from.measured[index]++;
    if (nth < source.size()) nodes[static_cast<std::size_t>(index)].remeasured.push_back(source[nth]);
    count(progress_, Task::remeasure, t.outcome);
    return {};
  }
  if (!t.node) {
    charge(flight.expansion.id);
    count(progress_, flight.expansion.task, t.outcome);
    return {};
  }
  if (static_cast<std::size_t>(*t.node) >= from.nodes.size()) return damaged("a node is missing");
  SessionNode node = from.nodes[static_cast<std::size_t>(*t.node)];
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
void Session::abandon_proposals() { engine_->abandon_proposals(); }
std::vector<ExpansionId> Session::waiting() const { return engine_->waiting(); }
const SessionId& Session::id() const { return engine_->id; }
const SessionNodes& Session::nodes() const { return engine_->nodes; }
const SessionOptions& Session::options() const { return engine_->options; }
Snapshot Session::snapshot() const { return engine_->snapshot(); }

}  // namespace kerf
