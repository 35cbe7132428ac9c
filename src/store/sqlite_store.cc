#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "base/hash.h"
#include "store/migrations.h"
#include "store/records.h"
#include "store/session_lock.h"
#include "store/sqlite.h"
#include "store/store.h"
#include "synthesize/model/model_json.h"

namespace kerf {
namespace {

using nlohmann::json;

// Texts of compilers may hold bytes that are no UTF-8: replaced, never a reason to fail.
std::string dump(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

// Brings the schema to the newest version. Two processes may do so at once: the second finds it done.
Result<> migrate(Database& database, const Clock& clock) {
  const auto steps = migrations();
  const auto newest = static_cast<std::int64_t>(steps.size());
  Transaction transaction = TRY(Transaction::begin(database));
  const auto tables = TRY(database.query("SELECT name FROM sqlite_master WHERE type = 'table'"));
  const auto named = [&](std::string_view name) {
    return std::ranges::any_of(tables, [&](const SqlRow& row) { return row.text(0) == name; });
  };
  if (!named("schema_version")) {
    if (!tables.empty()) {
      return user_error(fmt::format("{} is a database, but no kerf store: name another with --store", database.path()));
    }
    TRY(database.run("CREATE TABLE schema_version (version BIGINT PRIMARY KEY, created_ms BIGINT NOT NULL)"));
  }
  const auto row = TRY(database.query("SELECT max(version) FROM schema_version"));
  const std::int64_t version = row.at(0).integer(0);
  if (version > newest) {
    return user_error(
        fmt::format("the store {} was written by a newer kerf (schema {}, this one knows {}): update kerf, or "
                    "name another store with --store",
                    database.path(), version, newest));
  }
  for (std::int64_t i = version; i < newest; ++i) {
    TRY(database.script(std::string(steps[static_cast<std::size_t>(i)])));
    TRY(database.run("INSERT INTO schema_version VALUES (?1, ?2)", {i + 1, clock.unix_ms()}));
  }
  return transaction.commit();
}

struct Shared {
  std::unique_ptr<Database> database;
  std::unique_ptr<SessionLocks> locks;
  const Clock* clock;

  Result<> put(const std::string& digest, std::string_view kind, std::string_view name, std::string_view bytes) const {
    return database->run("INSERT INTO artifacts VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (digest) DO NOTHING",
                         {digest, std::string(kind), std::string(name), std::string(bytes), clock->unix_ms()});
  }
};

class Writer final : public SessionWriter {
 public:
  Writer(std::shared_ptr<Shared> shared, SessionId id, std::int64_t number, std::shared_ptr<void> lock, Step64 step)
      : shared_(std::move(shared)), id_(std::move(id)), number_(number), lock_(std::move(lock)), step_(step) {}

  const SessionId& id() const override { return id_; }

  Result<Step64> append(const SearchEvent& event) override {
    TRY(write_event(event));  // one statement is a transaction of its own
    return ++step_;
  }

  Result<Step64> record(const NewNode& node) override {
    if (!node.told.node) return fail(ErrorKind::internal, "a node was recorded without its index");
    Database& database = *shared_->database;
    Transaction transaction = TRY(Transaction::begin(database));
    TRY(write_event(node.told));
    const std::string candidate = node.candidate.id();
    TRY(shared_->put(candidate, fmt::format("candidate/{}", to_string(node.candidate.language)), node.candidate.name,
                     node.candidate.text));
    std::string prompt;
    if (!node.prompt.empty()) {
      prompt = sha256(node.prompt);
      TRY(shared_->put(prompt, "prompt", "", node.prompt));
    }
    TRY(database.run("INSERT INTO nodes VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
                     {number_, *node.told.node, step_ + 1, dump(to_json(SearchEvent(Asked{node.expansion}))),
                      dump(to_json(SearchEvent(node.told))), candidate, dump(node.recipe), node.move, node.rationale,
                      prompt, dump(to_json(node.usage)), shared_->clock->unix_ms()}));
    TRY(write_evaluation(*node.told.node, step_ + 1, "search", node.evaluation));
    TRY(transaction.commit());
    return ++step_;
  }

  Result<Step64> record(const NewMeasurement& measurement) override {
    Transaction transaction = TRY(Transaction::begin(*shared_->database));
    TRY(write_event(measurement.told));
    TRY(write_evaluation(measurement.node, step_ + 1, "search", measurement.evaluation));
    TRY(transaction.commit());
    return ++step_;
  }

  Result<> confirm(NodeIndex node, const Evaluation& evaluation) override {
    return write_evaluation(node, step_, "confirm", evaluation);
  }

  Result<> keep(const Exchange& exchange) override {
    return shared_->database->run(
        "INSERT INTO exchanges SELECT ?1, coalesce(max(serial), 0) + 1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9 FROM exchanges "
        "WHERE session = ?1",
        {number_, step_, static_cast<std::int64_t>(exchange.purpose.expansion), std::int64_t{exchange.purpose.attempt},
         exchange.model, exchange.request_digest, dump(exchange.request), dump(to_json(exchange.reply)),
         shared_->clock->unix_ms()});
  }

  Result<> set_state(const SessionState& state) override {
    return shared_->database->run(
        "INSERT INTO states SELECT ?1, coalesce(max(serial), 0) + 1, ?2, ?3, ?4 FROM states WHERE session = ?1",
        {number_, step_, dump(to_json(state)), shared_->clock->unix_ms()});
  }

 private:
  Result<> write_event(const SearchEvent& event) {
    return shared_->database->run("INSERT INTO steps VALUES (?1, ?2, ?3, ?4)",
                                  {number_, step_ + 1, dump(to_json(event)), shared_->clock->unix_ms()});
  }
  Result<> write_evaluation(NodeIndex node, Step64 step, std::string_view purpose, const Evaluation& evaluation) {
    return shared_->database->run(
        "INSERT INTO evaluations SELECT ?1, ?2, coalesce(max(serial), 0) + 1, ?3, ?4, ?5, ?6, ?7 FROM evaluations "
        "WHERE session = ?1 AND node = ?2",
        {number_, node, step, std::string(purpose), std::string(to_string(evaluation.verdict)),
         dump(to_json(evaluation)), shared_->clock->unix_ms()});
  }

  std::shared_ptr<Shared> shared_;
  SessionId id_;
  std::int64_t number_;
  std::shared_ptr<void> lock_;
  Step64 step_;
};

class Cache final : public ResultCache {
 public:
  explicit Cache(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}
  std::optional<std::string> get(std::string_view key) override {
    const auto rows = shared_->database->query("SELECT content FROM results WHERE id = ?1", {std::string(key)});
    if (!rows || rows->empty()) return std::nullopt;
    return rows->front().text(0);
  }
  void put(std::string_view key, std::string_view value) override {
    (void)shared_->database->run(
        "INSERT INTO results VALUES (?1, ?2, ?3) ON CONFLICT (id) DO UPDATE SET content = excluded.content",
        {std::string(key), std::string(value), shared_->clock->unix_ms()});
  }

 private:
  std::shared_ptr<Shared> shared_;
};

class SqliteStore final : public Store {
 public:
  explicit SqliteStore(std::shared_ptr<Shared> shared) : shared_(std::move(shared)), cache_(shared_) {}

  Result<std::unique_ptr<SessionWriter>> create(const NewSession& session) override {
    Transaction transaction = TRY(Transaction::begin(database()));
    const std::string task = task_id(session.task);
    TRY(database().run("INSERT INTO tasks VALUES (?1, ?2, ?3, ?4) ON CONFLICT (id) DO NOTHING",
                       {task, session.task.problem.id, session.task.target, dump(to_json(session.task.problem))}));
    const auto row = TRY(database().query("SELECT coalesce(max(number), 0) + 1 FROM sessions"));
    const std::int64_t number = row.at(0).integer(0);
    const SessionId id = new_session_id();
    std::string understood;
    if (!session.understood.is_null()) {
      const std::string text = dump(session.understood);
      understood = sha256(text);
      TRY(shared_->put(understood, "understood", "", text));
    }
    TRY(database().run(
        "INSERT INTO sessions VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        {number, id, task, shared_->clock->unix_ms(), dump(session.options), understood, dump(session.versions)}));
    TRY(database().run("INSERT INTO states VALUES (?1, 1, 0, ?2, ?3)",
                       {number, dump(to_json(SessionState{})), shared_->clock->unix_ms()}));
    // Before anybody can see it, so that nobody else can take it.
    std::shared_ptr<void> lock = TRY(shared_->locks->take(number));
    if (lock == nullptr) return busy_session(id);
    TRY(transaction.commit());
    return std::make_unique<Writer>(shared_, id, number, std::move(lock), 0);
  }

  Result<std::unique_ptr<SessionWriter>> resume(const SessionId& id) override {
    const std::int64_t number = TRY(number_of(id));
    std::shared_ptr<void> lock = TRY(shared_->locks->take(number));
    if (lock == nullptr) return busy_session(id);
    const auto row = TRY(database().query("SELECT coalesce(max(step), 0) FROM steps WHERE session = ?1", {number}));
    return std::make_unique<Writer>(shared_, id, number, std::move(lock), row.at(0).integer(0));
  }

  Result<bool> busy(const SessionId& id) override {
    const std::int64_t number = TRY(number_of(id));
    return shared_->locks->held(number);
  }

  Result<Found> find(std::string_view id) override {
    const IdParts parts = TRY(split_id(id));
    std::vector<SqlRow> rows;
    if (parts.session == "last") {
      rows = TRY(database().query("SELECT id, number FROM sessions ORDER BY number DESC LIMIT 1"));
    } else {
      // Between the prefix and what follows every text that begins so: an index can answer that.
      rows = TRY(database().query("SELECT id, number FROM sessions WHERE id >= ?1 AND id < ?2 ORDER BY id LIMIT 6",
                                  {parts.session, parts.session + "\x7f"}));
    }
    if (rows.empty()) return no_session(parts.session);
    if (rows.size() > 1) {
      std::vector<std::string> which;
      for (const SqlRow& row : rows) which.push_back(row.text(0));
      return several_sessions(parts.session, which);
    }
    if (parts.node) {
      const auto node = TRY(
          database().query("SELECT 1 FROM nodes WHERE session = ?1 AND node = ?2", {rows[0].integer(1), *parts.node}));
      if (node.empty()) return no_node_in(rows[0].text(0), *parts.node);
    }
    return Found{rows[0].text(0), parts.node};
  }

  Result<Page<SessionRecord>> sessions(const PageRequest& request) override {
    const std::int64_t before = TRY(page_position(request, INT64_MAX));
    const auto rows =
        TRY(database().query(std::string(select_session) + " WHERE s.number < ?1 ORDER BY s.number DESC LIMIT ?2",
                             {before, std::int64_t{request.limit} + 1}));
    Page<SessionRecord> page;
    for (std::size_t i = 0; i < rows.size() && i < static_cast<std::size_t>(request.limit); ++i) {
      page.items.push_back(TRY(read_session(rows[i], std::nullopt, false)));
      if (i + 1 < rows.size()) page.next = std::to_string(rows[i].integer(0));
    }
    if (rows.size() <= static_cast<std::size_t>(request.limit)) page.next.clear();
    return page;
  }

  Result<SessionRecord> session(const SessionId& id, std::optional<Step64> as_of) override {
    const auto rows = TRY(database().query(std::string(select_session) + " WHERE s.id = ?1", {id}));
    if (rows.empty()) return no_session(id);
    return read_session(rows[0], as_of, true);
  }

  Result<TaskRecord> task(const std::string& id) override {
    const auto rows = TRY(database().query("SELECT document, target FROM tasks WHERE id = ?1", {id}));
    if (rows.empty()) return user_error(fmt::format("the store has no task {}", id));
    return TaskRecord{.id = id, .problem = TRY(stored(rows[0].text(0), problem_from_json)), .target = rows[0].text(1)};
  }

  Result<std::vector<SearchEvent>> events(const SessionId& id, std::optional<Step64> as_of) override {
    const std::int64_t number = TRY(number_of(id));
    const auto rows = TRY(database().query("SELECT event FROM steps WHERE session = ?1 AND step <= ?2 ORDER BY step",
                                           {number, as_of.value_or(INT64_MAX)}));
    std::vector<SearchEvent> events;
    for (const SqlRow& row : rows) events.push_back(TRY(stored(row.text(0), search_event_from_json)));
    return events;
  }

  Result<Page<NodeRecord>> nodes(const SessionId& id, const PageRequest& request,
                                 std::optional<Step64> as_of) override {
    const std::int64_t after = TRY(page_position(request, -1));
    const std::int64_t number = TRY(number_of(id));
    const auto rows = TRY(database().query(
        std::string(select_node) + " WHERE session = ?1 AND node > ?2 AND step <= ?3 ORDER BY node LIMIT ?4",
        {number, after, as_of.value_or(INT64_MAX), std::int64_t{request.limit} + 1}));
    Page<NodeRecord> page;
    for (std::size_t i = 0; i < rows.size() && i < static_cast<std::size_t>(request.limit); ++i) {
      page.items.push_back(TRY(read_node(rows[i], number, as_of)));
    }
    if (rows.size() > static_cast<std::size_t>(request.limit) && !page.items.empty()) {
      page.next = std::to_string(page.items.back().node);
    }
    return page;
  }

  Result<NodeRecord> node(const SessionId& id, NodeIndex node, std::optional<Step64> as_of) override {
    const std::int64_t number = TRY(number_of(id));
    const auto rows =
        TRY(database().query(std::string(select_node) + " WHERE session = ?1 AND node = ?2 AND step <= ?3",
                             {number, node, as_of.value_or(INT64_MAX)}));
    if (rows.empty()) return no_node_in(id, node);
    return read_node(rows[0], number, as_of);
  }

  Result<std::vector<Evaluation>> evaluations(const SessionId& id, NodeIndex node) override {
    const std::int64_t number = TRY(number_of(id));
    const auto rows = TRY(database().query(
        "SELECT document FROM evaluations WHERE session = ?1 AND node = ?2 AND purpose = 'search' ORDER BY serial",
        {number, node}));
    if (rows.empty()) return no_node_in(id, node);
    std::vector<Evaluation> evaluations;
    for (const SqlRow& row : rows) evaluations.push_back(TRY(stored(row.text(0), evaluation_from_json)));
    return evaluations;
  }

  Result<Page<ExchangeRecord>> exchanges(const SessionId& id, const PageRequest& request) override {
    const std::int64_t after = TRY(page_position(request, 0));
    const std::int64_t number = TRY(number_of(id));
    const auto rows = TRY(
        database().query(std::string(select_exchange) + " WHERE session = ?1 AND serial > ?2 ORDER BY serial LIMIT ?3",
                         {number, after, std::int64_t{request.limit} + 1}));
    Page<ExchangeRecord> page;
    for (std::size_t i = 0; i < rows.size() && i < static_cast<std::size_t>(request.limit); ++i) {
      page.items.push_back(TRY(read_exchange(rows[i])));
      if (i + 1 < rows.size()) page.next = std::to_string(rows[i].integer(0));
    }
    if (rows.size() <= static_cast<std::size_t>(request.limit)) page.next.clear();
    return page;
  }

  Result<std::optional<Exchange>> exchange(const SessionId& id, Purpose purpose) override {
    const std::int64_t number = TRY(number_of(id));
    // "+": else SQLite goes through all of the session in the order of serials, instead of using the index by purpose.
    const auto rows = TRY(
        database().query(std::string(select_exchange) +
                             " WHERE session = ?1 AND expansion = ?2 AND attempt = ?3 ORDER BY +serial DESC LIMIT 1",
                         {number, static_cast<std::int64_t>(purpose.expansion), std::int64_t{purpose.attempt}}));
    if (rows.empty()) return std::nullopt;
    return TRY(read_exchange(rows[0])).exchange;
  }

  Result<Spend> spent(const SessionId& id) override {
    const std::int64_t number = TRY(number_of(id));
    Spend spend;
    for (const SqlRow& row :
         TRY(database().query("SELECT reply FROM exchanges WHERE session = ?1 ORDER BY serial", {number}))) {
      spend.add(TRY(stored(row.text(0), model_reply_from_json)));
    }
    return spend;
  }

  Result<std::map<ExpansionId, std::vector<Charge>>> charges(const SessionId& id) override {
    const std::int64_t number = TRY(number_of(id));
    std::map<ExpansionId, std::vector<Charge>> charges;
    for (const SqlRow& row : TRY(database().query(
             "SELECT expansion, model, reply FROM exchanges WHERE session = ?1 ORDER BY serial", {number}))) {
      const ModelReply reply = TRY(stored(row.text(2), model_reply_from_json));
      charges[static_cast<ExpansionId>(row.integer(0))].push_back({.model = row.text(1), .usage = usage_of(reply)});
    }
    return charges;
  }

  Result<Candidate> candidate(const std::string& digest) override {
    const auto rows = TRY(database().query("SELECT kind, name, content FROM artifacts WHERE digest = ?1", {digest}));
    constexpr std::string_view prefix = "candidate/";
    if (rows.empty() || !rows[0].text(0).starts_with(prefix)) return no_artifact(digest);
    const std::optional<Language> language = language_from(std::string_view(rows[0].text(0)).substr(prefix.size()));
    if (!language) return fail(ErrorKind::system, fmt::format("candidate {} is of an unknown language", digest));
    return Candidate{.text = rows[0].text(2), .language = *language, .name = rows[0].text(1)};
  }

  Result<std::string> artifact(const std::string& digest) override {
    auto rows = TRY(database().query("SELECT content FROM artifacts WHERE digest = ?1", {digest}));
    if (rows.empty()) return no_artifact(digest);
    return rows[0].text(0);
  }

  Result<std::string> put_artifact(std::string_view kind, std::string_view bytes) override {
    const std::string digest = sha256(bytes);
    TRY(shared_->put(digest, kind, "", bytes));
    return digest;
  }

  Result<> put_calibration(const std::string& machine, const json& calibration) override {
    return database().run(
        "INSERT INTO calibrations SELECT ?1, coalesce(max(serial), 0) + 1, ?2, ?3 FROM calibrations WHERE machine = ?1",
        {machine, dump(calibration), shared_->clock->unix_ms()});
  }

  Result<std::optional<json>> calibration(const std::string& machine) override {
    const auto rows = TRY(database().query(
        "SELECT document FROM calibrations WHERE machine = ?1 ORDER BY serial DESC LIMIT 1", {machine}));
    if (rows.empty()) return std::nullopt;
    return TRY(stored_json(rows[0].text(0)));
  }

  ResultCache& cache() override { return cache_; }

 private:
  static constexpr std::string_view select_session =
      "SELECT s.number, s.id, s.task, t.problem, t.target, s.created_ms, s.options, s.understood, s.versions FROM "
      "sessions s "
      "JOIN tasks t ON t.id = s.task";
  static constexpr std::string_view select_node =
      "SELECT node, step, expansion, outcome, candidate, recipe, move, rationale, prompt, spent, created_ms FROM nodes";

  static constexpr std::string_view select_exchange =
      "SELECT serial, step, expansion, attempt, model, digest, request, reply, created_ms FROM exchanges";

  Database& database() { return *shared_->database; }

  static Result<ExchangeRecord> read_exchange(const SqlRow& row) {
    ExchangeRecord record{.exchange = {.purpose = {.expansion = static_cast<std::uint64_t>(row.integer(2)),
                                                   .attempt = static_cast<int>(row.integer(3))},
                                       .model = row.text(4),
                                       .request_digest = row.text(5),
                                       .request = TRY(stored_json(row.text(6))),
                                       .reply = TRY(stored(row.text(7), model_reply_from_json))},
                          .step = row.integer(1),
                          .created_ms = row.integer(8)};
    return record;
  }

  Result<std::int64_t> number_of(const SessionId& id) {
    const auto rows = TRY(database().query("SELECT number FROM sessions WHERE id = ?1", {id}));
    if (rows.empty()) return no_session(id);
    return rows[0].integer(0);
  }

  Result<SessionRecord> read_session(const SqlRow& row, std::optional<Step64> as_of, bool whole) {
    SessionRecord record{.id = row.text(1),
                         .task = row.text(2),
                         .problem = row.text(3),
                         .target = row.text(4),
                         .created_ms = row.integer(5)};
    record.options = TRY(stored_json(row.text(6)));
    if (whole && !row.text(7).empty()) {
      const std::string text = TRY(artifact(row.text(7)));
      record.understood = TRY(stored_json(text));
    }
    record.versions = TRY(stored_json(row.text(8)));
    const std::int64_t until = as_of.value_or(INT64_MAX);
    const auto state = TRY(
        database().query("SELECT document FROM states WHERE session = ?1 AND step <= ?2 ORDER BY serial DESC LIMIT 1",
                         {row.integer(0), until}));
    if (!state.empty()) record.state = TRY(stored(state[0].text(0), session_state_from_json));
    const auto steps = TRY(database().query(
        "SELECT coalesce(max(step), 0) FROM steps WHERE session = ?1 AND step <= ?2", {row.integer(0), until}));
    record.steps = steps.at(0).integer(0);
    return record;
  }

  Result<NodeRecord> read_node(const SqlRow& row, std::int64_t session, std::optional<Step64> as_of) {
    NodeRecord record{.node = row.integer(0), .step = row.integer(1), .candidate = row.text(4)};
    const SearchEvent asked = TRY(stored(row.text(2), search_event_from_json));
    const SearchEvent told = TRY(stored(row.text(3), search_event_from_json));
    if (!std::holds_alternative<Asked>(asked) || !std::holds_alternative<Told>(told)) {
      return fail(ErrorKind::system, fmt::format("node {} of the store is damaged", record.node));
    }
    record.expansion = std::get<Asked>(asked).expansion;
    record.outcome = std::get<Told>(told).outcome;
    record.recipe = TRY(stored_json(row.text(5)));
    record.move = row.text(6);
    record.rationale = row.text(7);
    record.prompt = row.text(8);
    record.usage = TRY(stored(row.text(9), usage_from_json));
    record.created_ms = row.integer(10);
    const auto latest = [&](std::string_view purpose) {
      return database().query(
          "SELECT document, count(*) OVER () FROM evaluations WHERE session = ?1 AND node = ?2 AND step <= ?3 AND "
          "purpose = ?4 "
          "ORDER BY serial DESC LIMIT 1",
          {session, record.node, as_of.value_or(INT64_MAX), std::string(purpose)});
    };
    const auto evaluations = TRY(latest("search"));
    if (evaluations.empty()) return fail(ErrorKind::system, fmt::format("node {} has no evaluation", record.node));
    record.evaluation = TRY(stored(evaluations[0].text(0), evaluation_from_json));
    record.evaluations = static_cast<int>(evaluations[0].integer(1));
    const auto confirmed = TRY(latest("confirm"));
    if (!confirmed.empty()) record.confirmed = TRY(stored(confirmed[0].text(0), evaluation_from_json));
    return record;
  }

  std::shared_ptr<Shared> shared_;
  Cache cache_;
};

}  // namespace

Result<std::unique_ptr<Store>> open_store(const std::string& path, const Clock& clock) {
  if (path.find("://") != std::string::npos) {
    return fail(ErrorKind::unavailable,
                fmt::format("unavailable: this kerf keeps its store in a file, not at {}", path));
  }
  const bool in_memory = path == ":memory:";
  if (const auto folder = std::filesystem::path(path).parent_path(); !in_memory && !folder.empty()) {
    std::error_code code;
    std::filesystem::create_directories(folder, code);
    if (code) return user_error(fmt::format("cannot create {} for the store: {}", folder.string(), code.message()));
  }
  auto shared = std::make_shared<Shared>();
  shared->database = TRY(Database::open(path));
  shared->locks = in_memory ? make_memory_locks() : make_file_locks(path + ".lock");
  shared->clock = &clock;
  if (!in_memory) {
    TRY(shared->database->write_ahead());
  }
  TRY(shared->database->script("PRAGMA foreign_keys = ON"));
  TRY(migrate(*shared->database, clock));
  return std::make_unique<SqliteStore>(std::move(shared));
}

}  // namespace kerf
