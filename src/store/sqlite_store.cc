#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "base/hash.h"
#include "store/migrations.h"
#include "store/records.h"
#include "store/session_writer.h"
#include "store/store.h"
#include "synthesize/model/model_json.h"

namespace kerf {
namespace {

using json = nlohmann::json;

class Cache final : public ResultCache {
 public:
  explicit Cache(std::shared_ptr<StoreFile> file) : file_(std::move(file)) {}
  std::optional<std::string> get(std::string_view key) override {
    const auto rows = file_->database->query("SELECT content FROM results WHERE id = ?1", {std::string(key)});
    if (!rows || rows->empty()) return std::nullopt;
    return rows->front().text(0);
  }
  void put(std::string_view key, std::string_view value) override {
    (void)file_->database->run(
        "INSERT INTO results VALUES (?1, ?2, ?3) ON CONFLICT (id) DO UPDATE SET content = excluded.content",
        {std::string(key), std::string(value), file_->clock->unix_ms()});
  }

 private:
  std::shared_ptr<StoreFile> file_;
};

class SqliteStore final : public Store {
 public:
  explicit SqliteStore(std::shared_ptr<StoreFile> file) : file_(std::move(file)), cache_(file_) {}

  Result<std::unique_ptr<SessionWriter>> create(const NewSession& session) override {
    Transaction transaction = TRY(Transaction::begin(database()));
    const std::string task = task_id(session.task);
    TRY(database().run(
        "INSERT INTO tasks VALUES (?1, ?2, ?3, ?4) ON CONFLICT (id) DO NOTHING",
        {task, session.task.problem.id, session.task.target, stored_text(to_json(session.task.problem))}));
    const auto row = TRY(database().query("SELECT coalesce(max(number), 0) + 1 FROM sessions"));
    const std::int64_t number = row.at(0).integer(0);
    const SessionId id = new_session_id();
    std::string understood;
    if (!session.understood.is_null()) {
      const std::string text = stored_text(session.understood);
      understood = sha256(text);
      TRY(file_->put(understood, "understood", "", text));
    }
    TRY(database().run("INSERT INTO sessions VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                       {number, id, task, file_->clock->unix_ms(), stored_text(session.options), understood,
                        stored_text(session.versions)}));
    TRY(database().run("INSERT INTO states VALUES (?1, 1, 0, ?2, ?3)",
                       {number, stored_text(to_json(SessionState{})), file_->clock->unix_ms()}));
    // Before anybody can see it, so that nobody else can take it.
    std::shared_ptr<void> lock = TRY(file_->locks->take(number));
    if (lock == nullptr) return busy_session(id);
    TRY(transaction.commit());
    return make_session_writer(file_, id, number, std::move(lock), 0);
  }

  Result<std::unique_ptr<SessionWriter>> resume(const SessionId& id) override {
    const std::int64_t number = TRY(number_of(id));
    std::shared_ptr<void> lock = TRY(file_->locks->take(number));
    if (lock == nullptr) return busy_session(id);
    const auto row = TRY(database().query("SELECT coalesce(max(step), 0) FROM steps WHERE session = ?1", {number}));
    return make_session_writer(file_, id, number, std::move(lock), row.at(0).integer(0));
  }

  Result<bool> busy(const SessionId& id) override {
    const std::int64_t number = TRY(number_of(id));
    return file_->locks->held(number);
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
    TRY(file_->put(digest, kind, "", bytes));
    return digest;
  }

  Result<> put_calibration(const std::string& machine, const json& calibration) override {
    return database().run(
        "INSERT INTO calibrations SELECT ?1, coalesce(max(serial), 0) + 1, ?2, ?3 FROM calibrations WHERE machine = ?1",
        {machine, stored_text(calibration), file_->clock->unix_ms()});
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

  Database& database() { return *file_->database; }

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

  std::shared_ptr<StoreFile> file_;
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
    if (code)
      return user_error(fmt::format("cannot create {} for the store ({}): name another with --store", folder.string(),
                                    code.message()));
  }
  auto file = std::make_shared<StoreFile>();
  file->database = TRY(Database::open(path));
  file->locks = in_memory ? make_memory_locks() : make_file_locks(path + ".lock");
  file->clock = &clock;
  if (!in_memory) {
    TRY(file->database->write_ahead());
  }
  TRY(file->database->script("PRAGMA foreign_keys = ON"));
  TRY(migrate(*file->database, clock));
  return std::make_unique<SqliteStore>(std::move(file));
}

}  // namespace kerf
