// Everything that was ever found out: tasks -> sessions -> nodes -> prompts, evaluations, artifacts by content digest.
// Rows are only added. Nodes are never deleted; what changes (a node's evaluation, a session's state) is appended with
// the session's logical step, so that any moment can be read as it was. A call that returned has been kept: kill -9
// after it loses nothing. Used on the loop's thread only. docs/store.md.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "candidate/candidate.h"
#include "evaluate/evaluation.h"
#include "evaluate/result_cache.h"
#include "problem/problem.h"
#include "search/replay.h"
#include "search/search.h"
#include "synthesize/model/exchange_log.h"
#include "synthesize/model/spend.h"
#include "synthesize/synthesizer.h"

namespace kerf {

using SessionId = std::string;  // 12 hexadecimal digits
using Step64 = std::int64_t;    // logical time of a session: 1, 2, … without gaps

// One problem, its sizes and mode, on one target: what sessions have in common that can learn from each other.
struct TaskRecord {
  std::string id;   // digest of problem and target; left empty, the store fills it
  Problem problem;  // with its text
  std::string target = "cpu";
};

enum class SessionStatus : std::uint8_t { running, interrupted, finished, failed };
[[nodiscard]] const char* to_string(SessionStatus status);

// Appended whenever it changes. `running` with no writer (see Store::busy) means that the process died: resume it.
struct SessionState {
  SessionStatus status = SessionStatus::running;
  std::string stopped_by;  // "candidates", "time", … ; empty while running
  std::string message;     // one line for people
  double seconds = 0;      // worked so far, over all processes that worked on it
  std::int64_t candidates = 0;
  std::optional<NodeIndex> best;
  std::optional<Ratio> speedup;  // of best, against eager
  std::optional<double> fraction_of_speed_of_light;
  Spend spend;
};

struct NewSession {
  TaskRecord task;
  nlohmann::json options;     // what a resumed session needs: search, synthesizer, budget, jobs, languages
  nlohmann::json understood;  // problem as traced and target facts, if the session keeps them; null otherwise
  nlohmann::json versions;    // kerf, torch, compilers, machine
};

struct SessionRecord {
  SessionId id;
  std::string task;     // TaskRecord::id
  std::string problem;  // Problem::id
  std::string target;
  std::int64_t created_ms = 0;
  nlohmann::json options, understood, versions;
  SessionState state;  // the latest (or as of the step that was asked for)
  Step64 steps = 0;
};

// A told expansion that became a node, with all that was found out. One transaction.
struct NewNode {
  Told told;            // told.node is the node's index
  Expansion expansion;  // what was asked
  Candidate candidate;
  nlohmann::json recipe;
  std::string move, rationale;
  std::string prompt;  // as it was sent; empty for synthesizers without prompts
  Usage usage;
  Evaluation evaluation;
};

// A told remeasurement: node `node` has a further evaluation.
struct NewMeasurement {
  Told told;
  NodeIndex node = 0;
  Evaluation evaluation;
};

// An exchange with a model, in the order in which replies came.
struct ExchangeRecord {
  Exchange exchange;
  Step64 step = 0;  // of the session when it came
  std::int64_t created_ms = 0;
};

struct NodeRecord {
  NodeIndex node = 0;
  Step64 step = 0;        // when it was told
  Expansion expansion;    // memory operator, parents, reason
  Outcome outcome;        // as told at first
  std::string candidate;  // digest: Store::candidate
  nlohmann::json recipe;
  std::string move, rationale;
  std::string prompt;  // digest of the artifact, or empty
  Usage usage;
  std::int64_t created_ms = 0;
  int evaluations = 1;                  // measured again: more than one
  Evaluation evaluation;                // the latest (or as of the step that was asked for)
  std::optional<Evaluation> confirmed;  // the latest confirming run (or as of the step that was asked for)
};

struct PageRequest {
  int limit = 50;
  std::string after;  // Page::next of the page before; empty for the first
};
template <class T>
struct Page {
  std::vector<T> items;
  std::string next;  // empty: that was the last
};

// The only one who may write to a session, as long as it lives; another process is refused. kill -9 releases it.
struct SessionWriter {
  SessionWriter() = default;
  SessionWriter(const SessionWriter&) = delete;
  SessionWriter& operator=(const SessionWriter&) = delete;
  virtual ~SessionWriter() = default;
  [[nodiscard]] virtual const SessionId& id() const = 0;
  // For asks, proposals, cancels, and tells of `nothing`.
  virtual Result<Step64> append(const SearchEvent& event) = 0;
  virtual Result<Step64> record(const NewNode& node) = 0;
  virtual Result<Step64> record(const NewMeasurement& measurement) = 0;
  // The confirming run (Effort::confirm) of a node, at the present step. It is no event of the search: what a report
  // quotes must not steer where a resumed session goes on. Appended; NodeRecord::confirmed is the latest.
  virtual Result<> confirm(NodeIndex node, const Evaluation& evaluation) = 0;
  // At the present step. Two of one purpose are kept side by side: both were paid for.
  virtual Result<> keep(const Exchange& exchange) = 0;
  virtual Result<> set_state(const SessionState& state) = 0;  // at the present step
};

// What a (possibly abbreviated) id names.
struct Found {
  SessionId session;
  std::optional<NodeIndex> node;
};

// Errors: `user` for ids that name nothing and stores that this kerf cannot read, `system` for what the machine refuses
// (disk full, no permission, damaged file); the message says what to do.
struct Store {
  Store() = default;
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;
  virtual ~Store() = default;

  [[nodiscard]] virtual Result<std::unique_ptr<SessionWriter>> create(const NewSession& session) = 0;
  // `user` error if another process works on it, or if there is none of that (full) id.
  [[nodiscard]] virtual Result<std::unique_ptr<SessionWriter>> resume(const SessionId& id) = 0;
  [[nodiscard]] virtual Result<bool> busy(const SessionId& id) = 0;  // a writer lives, here or elsewhere

  // "3f9c" a session, "3f9c/12" its node 12, "last" the newest session, "last/12". `user` error if nothing or more than
  // one session begins so.
  [[nodiscard]] virtual Result<Found> find(std::string_view id) = 0;
  [[nodiscard]] virtual Result<Page<SessionRecord>> sessions(
      const PageRequest& request) = 0;  // newest first; no `understood`
  [[nodiscard]] virtual Result<SessionRecord> session(const SessionId& id,
                                                      std::optional<Step64> as_of = std::nullopt) = 0;
  [[nodiscard]] virtual Result<TaskRecord> task(const std::string& id) = 0;
  // What happened, in order: replay(search, events) brings a search back.
  [[nodiscard]] virtual Result<std::vector<SearchEvent>> events(const SessionId& id,
                                                                std::optional<Step64> as_of = std::nullopt) = 0;
  [[nodiscard]] virtual Result<Page<NodeRecord>> nodes(const SessionId& id, const PageRequest& request,
                                                       std::optional<Step64> as_of = std::nullopt) = 0;  // by index
  [[nodiscard]] virtual Result<NodeRecord> node(const SessionId& id, NodeIndex node,
                                                std::optional<Step64> as_of = std::nullopt) = 0;
  [[nodiscard]] virtual Result<std::vector<Evaluation>> evaluations(const SessionId& id,
                                                                    NodeIndex node) = 0;  // in order
  // In the order in which they came, a page at a time: a session may hold many thousands.
  [[nodiscard]] virtual Result<Page<ExchangeRecord>> exchanges(const SessionId& id, const PageRequest& request) = 0;
  // The latest of that purpose.
  [[nodiscard]] virtual Result<std::optional<Exchange>> exchange(const SessionId& id, Purpose purpose) = 0;
  [[nodiscard]] virtual Result<Spend> spent(const SessionId& id) = 0;  // all exchanges added up
  // What each expansion's calls cost, in their order.
  [[nodiscard]] virtual Result<std::map<ExpansionId, std::vector<Charge>>> charges(const SessionId& id) = 0;
  [[nodiscard]] virtual Result<Candidate> candidate(const std::string& digest) = 0;
  [[nodiscard]] virtual Result<std::string> artifact(const std::string& digest) = 0;  // prompts and whatever was put
  virtual Result<std::string> put_artifact(std::string_view kind, std::string_view bytes) = 0;  // its digest (sha256)

  // What a machine can do, by `machine` (any stable name of it); kept for ever, the latest is read.
  virtual Result<> put_calibration(const std::string& machine, const nlohmann::json& calibration) = 0;
  [[nodiscard]] virtual Result<std::optional<nlohmann::json>> calibration(const std::string& machine) = 0;

  [[nodiscard]] virtual ResultCache& cache() = 0;  // verdicts and the like, over all sessions
};

// A file (created with its folder if it is not there), or ":memory:". The clock is for records and must outlive it.
[[nodiscard]] Result<std::unique_ptr<Store>> open_store(const std::string& path, const Clock& clock);

// "3f9c21d07a55/12"
[[nodiscard]] std::string node_name(const SessionId& session, NodeIndex node);

}  // namespace kerf
