#include "store/fake_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/hash.h"
#include "store/records.h"
#include "store/session_lock.h"

namespace kerf {
namespace {

using json = nlohmann::json;

template <class T>
struct At {
  Step64 step = 0;
  T is;
};

struct Node {
  NewNode node;
  Step64 step = 0;
  std::int64_t created_ms = 0;
  std::vector<At<Evaluation>> evaluations;
  std::vector<At<Evaluation>> confirmed;
};

struct Session {
  SessionId id;
  NewSession made;
  std::string task;
  std::int64_t created_ms = 0;
  std::vector<SearchEvent> steps;  // step i + 1 at i
  std::vector<At<SessionState>> states;
  std::map<NodeIndex, Node> nodes;
  std::vector<ExchangeRecord> exchanges;
};

struct Content {
  const Clock* clock;
  int writes_left;
  std::vector<Session> sessions;
  std::map<std::string, TaskRecord> tasks;
  std::map<std::string, Candidate> candidates;
  std::map<std::string, std::string> artifacts;
  std::map<std::string, json> calibrations;
  std::unique_ptr<SessionLocks> locks = make_memory_locks();
  MemoryResultCache cache;

  Result<> write() {
    if (writes_left == 0) {
      return fail(ErrorKind::system, "no space left for the store: free some and try again; what was recorded is safe");
    }
    if (writes_left > 0) --writes_left;
    return {};
  }
};

class Writer final : public SessionWriter {
 public:
  Writer(std::shared_ptr<Content> content, std::size_t session, std::shared_ptr<void> lock)
      : content_(std::move(content)), id_(content_->sessions[session].id), session_(session), lock_(std::move(lock)) {}
  const SessionId& id() const override { return id_; }
  Result<Step64> append(const SearchEvent& event) override {
    TRY(content_->write());
    return push(event);
  }
  Result<Step64> record(const NewNode& node) override {
    if (!node.told.node) return fail(ErrorKind::internal, "a node was recorded without its index");
    if (session().nodes.contains(*node.told.node)) return fail(ErrorKind::internal, "a node was recorded twice");
    TRY(content_->write());
    const Step64 step = push(node.told);
    content_->candidates.emplace(node.candidate.id(), node.candidate);
    content_->artifacts.emplace(node.candidate.id(), node.candidate.text);
    if (!node.prompt.empty()) content_->artifacts.emplace(sha256(node.prompt), node.prompt);
    session().nodes[*node.told.node] = {node, step, content_->clock->unix_ms(), {{step, node.evaluation}}, {}};
    return step;
  }
  Result<Step64> record(const NewMeasurement& measurement) override {
    TRY(content_->write());
    const Step64 step = push(measurement.told);
    session().nodes.at(measurement.node).evaluations.push_back({step, measurement.evaluation});
    return step;
  }
  Result<> confirm(NodeIndex node, const Evaluation& evaluation) override {
    TRY(content_->write());
    session().nodes.at(node).confirmed.push_back({static_cast<Step64>(session().steps.size()), evaluation});
    return {};
  }
  Result<> keep(const Exchange& exchange) override {
    TRY(content_->write());
    session().exchanges.push_back({exchange, static_cast<Step64>(session().steps.size()), content_->clock->unix_ms()});
    return {};
  }
  Result<> set_state(const SessionState& state) override {
    TRY(content_->write());
    session().states.push_back({static_cast<Step64>(session().steps.size()), state});
    return {};
  }

 private:
  Session& session() { return content_->sessions[session_]; }
  Step64 push(const SearchEvent& event) {
    session().steps.push_back(event);
    return static_cast<Step64>(session().steps.size());
  }
  std::shared_ptr<Content> content_;
  SessionId id_;
  std::size_t session_;
  std::shared_ptr<void> lock_;
};

class FakeStore final : public Store {
 public:
  explicit FakeStore(std::shared_ptr<Content> content) : content_(std::move(content)) {}

  Result<std::unique_ptr<SessionWriter>> create(const NewSession& made) override {
    TRY(content_->write());
    Session session;
    session.id = new_session_id();
    session.made = made;
    session.task = task_id(made.task);
    session.created_ms = content_->clock->unix_ms();
    session.states.push_back({0, SessionState{}});
    TaskRecord task = made.task;
    task.id = session.task;
    content_->tasks.emplace(task.id, task);
    content_->sessions.push_back(std::move(session));
    const std::size_t at = content_->sessions.size() - 1;
    std::shared_ptr<void> lock = TRY(content_->locks->take(static_cast<std::int64_t>(at)));
    return std::make_unique<Writer>(content_, at, std::move(lock));
  }
  Result<std::unique_ptr<SessionWriter>> resume(const SessionId& id) override {
    const std::size_t at = TRY(position(id));
    std::shared_ptr<void> lock = TRY(content_->locks->take(static_cast<std::int64_t>(at)));
    if (lock == nullptr) return busy_session(id);
    return std::make_unique<Writer>(content_, at, std::move(lock));
  }
  Result<bool> busy(const SessionId& id) override {
    const std::size_t at = TRY(position(id));
    return content_->locks->held(static_cast<std::int64_t>(at));
  }
  Result<Found> find(std::string_view id) override {
    const IdParts parts = TRY(split_id(id));
    std::vector<std::string> which;
    for (const Session& session : content_->sessions) {
      if (parts.session != "last" && session.id.starts_with(parts.session)) which.push_back(session.id);
    }
    if (parts.session == "last" && !content_->sessions.empty()) which.push_back(content_->sessions.back().id);
    if (which.empty()) return no_session(parts.session);
    if (which.size() > 1) {
      std::ranges::sort(which);
      which.resize(std::min<std::size_t>(which.size(), 6));
      return several_sessions(parts.session, which);
    }
    const std::size_t at = TRY(position(which[0]));
    if (parts.node && !content_->sessions[at].nodes.contains(*parts.node)) return no_node_in(which[0], *parts.node);
    return Found{which[0], parts.node};
  }
  Result<Page<SessionRecord>> sessions(const PageRequest& request) override {
    auto at = TRY(page_position(request, static_cast<std::int64_t>(content_->sessions.size())));
    Page<SessionRecord> page;
    while (at > 0 && page.items.size() < static_cast<std::size_t>(request.limit)) {
      page.items.push_back(read(content_->sessions[static_cast<std::size_t>(--at)], std::nullopt));
      page.items.back().understood = nullptr;
    }
    if (at > 0) page.next = std::to_string(at);
    return page;
  }
  Result<SessionRecord> session(const SessionId& id, std::optional<Step64> as_of) override {
    const std::size_t at = TRY(position(id));
    return read(content_->sessions[at], as_of);
  }
  Result<TaskRecord> task(const std::string& id) override {
    const auto found = content_->tasks.find(id);
    if (found == content_->tasks.end()) return user_error(fmt::format("the store has no task {}", id));
    return found->second;
  }
  Result<std::vector<SearchEvent>> events(const SessionId& id, std::optional<Step64> as_of) override {
    const std::size_t at = TRY(position(id));
    std::vector<SearchEvent> events = content_->sessions[at].steps;
    if (as_of && *as_of < static_cast<Step64>(events.size())) events.resize(static_cast<std::size_t>(*as_of));
    return events;
  }
  Result<Page<NodeRecord>> nodes(const SessionId& id, const PageRequest& request,
                                 std::optional<Step64> as_of) override {
    const std::int64_t after = TRY(page_position(request, -1));
    const std::size_t at = TRY(position(id));
    Page<NodeRecord> page;
    for (const auto& [index, node] : content_->sessions[at].nodes) {
      if (index <= after || node.step > as_of.value_or(INT64_MAX)) continue;
      if (page.items.size() == static_cast<std::size_t>(request.limit)) {
        page.next = std::to_string(page.items.back().node);
        break;
      }
      page.items.push_back(read(node, as_of));
    }
    return page;
  }
  Result<NodeRecord> node(const SessionId& id, NodeIndex node, std::optional<Step64> as_of) override {
    const std::size_t at = TRY(position(id));
    const auto found = content_->sessions[at].nodes.find(node);
    if (found == content_->sessions[at].nodes.end() || found->second.step > as_of.value_or(INT64_MAX)) {
      return no_node_in(id, node);
    }
    return read(found->second, as_of);
  }
  Result<std::vector<Evaluation>> evaluations(const SessionId& id, NodeIndex node) override {
    const std::size_t at = TRY(position(id));
    const auto found = content_->sessions[at].nodes.find(node);
    if (found == content_->sessions[at].nodes.end()) return no_node_in(id, node);
    std::vector<Evaluation> evaluations;
    for (const auto& evaluation : found->second.evaluations) evaluations.push_back(evaluation.is);
    return evaluations;
  }
  Result<Page<ExchangeRecord>> exchanges(const SessionId& id, const PageRequest& request) override {
    const auto after = static_cast<std::size_t>(TRY(page_position(request, 0)));
    const auto& all = content_->sessions[TRY(position(id))].exchanges;
    Page<ExchangeRecord> page;
    for (std::size_t i = after; i < all.size() && page.items.size() < static_cast<std::size_t>(request.limit); ++i) {
      page.items.push_back(all[i]);
    }
    if (after + page.items.size() < all.size()) page.next = std::to_string(after + page.items.size());
    return page;
  }
  Result<std::optional<Exchange>> exchange(const SessionId& id, Purpose purpose) override {
    std::optional<Exchange> latest;
    for (const ExchangeRecord& record : content_->sessions[TRY(position(id))].exchanges) {
      const Purpose& of = record.exchange.purpose;
      if (of.expansion == purpose.expansion && of.attempt == purpose.attempt) latest = record.exchange;
    }
    return latest;
  }
  Result<Spend> spent(const SessionId& id) override {
    Spend spend;
    for (const ExchangeRecord& record : content_->sessions[TRY(position(id))].exchanges) {
      spend.add(record.exchange.reply);
    }
    return spend;
  }
  Result<std::map<ExpansionId, std::vector<Charge>>> charges(const SessionId& id) override {
    std::map<ExpansionId, std::vector<Charge>> charges;
    for (const auto& [exchange, step, created_ms] : content_->sessions[TRY(position(id))].exchanges)
      charges[exchange.purpose.expansion].push_back({.model = exchange.model, .usage = usage_of(exchange.reply)});
    return charges;
  }
  Result<Candidate> candidate(const std::string& digest) override {
    const auto found = content_->candidates.find(digest);
    if (found == content_->candidates.end()) return no_artifact(digest);
    return found->second;
  }
  Result<std::string> artifact(const std::string& digest) override {
    const auto found = content_->artifacts.find(digest);
    if (found == content_->artifacts.end()) return no_artifact(digest);
    return found->second;
  }
  Result<std::string> put_artifact(std::string_view, std::string_view bytes) override {
    TRY(content_->write());
    std::string digest = sha256(bytes);
    content_->artifacts.emplace(digest, bytes);
    return digest;
  }
  Result<> put_calibration(const std::string& machine, const json& calibration) override {
    TRY(content_->write());
    content_->calibrations[machine] = calibration;
    return {};
  }
  Result<std::optional<json>> calibration(const std::string& machine) override {
    const auto found = content_->calibrations.find(machine);
    if (found == content_->calibrations.end()) return std::nullopt;
    return found->second;
  }
  ResultCache& cache() override { return content_->cache; }

 private:
  Result<std::size_t> position(const SessionId& id) {
    for (std::size_t i = 0; i < content_->sessions.size(); ++i) {
      if (content_->sessions[i].id == id) return i;
    }
    return no_session(id);
  }
  template <class T>
  static const T& latest(const std::vector<At<T>>& values, std::optional<Step64> as_of, int& count) {
    count = 0;
    for (const At<T>& value : values) count += value.step <= as_of.value_or(INT64_MAX) ? 1 : 0;
    return values[static_cast<std::size_t>(std::max(count, 1) - 1)].is;
  }
  static SessionRecord read(const Session& session, std::optional<Step64> as_of) {
    int states = 0;
    SessionRecord record{.id = session.id,
                         .task = session.task,
                         .problem = session.made.task.problem.id,
                         .target = session.made.task.target,
                         .created_ms = session.created_ms};
    record.options = session.made.options;
    record.understood = session.made.understood;
    record.versions = session.made.versions;
    record.state = latest(session.states, as_of, states);
    record.steps = std::min(as_of.value_or(INT64_MAX), static_cast<Step64>(session.steps.size()));
    return record;
  }
  static NodeRecord read(const Node& node, std::optional<Step64> as_of) {
    NodeRecord record{.node = *node.node.told.node,
                      .step = node.step,
                      .expansion = node.node.expansion,
                      .outcome = node.node.told.outcome,
                      .candidate = node.node.candidate.id()};
    record.recipe = node.node.recipe;
    record.move = node.node.move;
    record.rationale = node.node.rationale;
    record.prompt = node.node.prompt.empty() ? "" : sha256(node.node.prompt);
    record.usage = node.node.usage;
    record.created_ms = node.created_ms;
    record.evaluation = latest(node.evaluations, as_of, record.evaluations);
    for (const At<Evaluation>& confirmed : node.confirmed) {
      if (confirmed.step <= as_of.value_or(INT64_MAX)) record.confirmed = confirmed.is;
    }
    return record;
  }
  std::shared_ptr<Content> content_;
};

}  // namespace

std::unique_ptr<Store> make_fake_store(const Clock& clock, int fail_after) {
  auto content = std::make_shared<Content>();
  content->clock = &clock;
  content->writes_left = fail_after;
  return std::make_unique<FakeStore>(std::move(content));
}

}  // namespace kerf
