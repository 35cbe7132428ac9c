// The loop: ask -> request -> propose -> evaluate -> tell -> record -> learn, several in flight, until a stopper has a
// reason; then the best nodes are confirmed. Every step is in the store before the next one builds on it, so that a
// session that died is resumed where it was. Runs on the loop's thread.
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "base/clock.h"
#include "base/loop.h"
#include "evaluate/evaluator.h"
#include "search/search.h"
#include "search/stopper.h"
#include "session/node.h"
#include "session/progress_view.h"
#include "store/store.h"
#include "synthesize/synthesizer.h"

namespace kerf {

inline constexpr const char* default_budget = "64candidates,5m";

// What decides how a session goes; kept with it, so that it can be resumed.
struct SessionOptions {
  SearchOptions search;
  std::string synthesizer = "builtin";
  std::string budget = default_budget;
  std::string language = "cpp";
  std::string target = "cpu";
  bool graph = false;  // times are those of one captured graph; a session's are, all of them, or none
  int jobs = 2;        // expansions in flight at once
  int confirm = 3;     // the best node and how many runners-up are confirmed, together
  // Of models, for all of the session.
  std::string base_url;
  std::int64_t max_tokens = ModelSettings{}.max_tokens;
  std::string effort;
  // Of a replay: the synthesizer of the recording, and whether its evaluations are taken, too.
  std::string replayed;
  bool recorded_evaluations = false;
  std::string batch;      // folder of what waits in providers' batches
  std::string elsewhere;  // folder of bundles that another machine judges; empty: this machine judges
  // What other sessions had taught the built-in synthesizer's cost model when this one began (Correction::to_json):
  // kept with it, so that it goes on, or is replayed, as it began. null: it goes without.
  nlohmann::json costs = nullptr;
};
[[nodiscard]] nlohmann::json to_json(const SessionOptions& options);
[[nodiscard]] Result<SessionOptions> session_options_from_json(const nlohmann::json& json);

// A recording that a session follows step by step: whatever arrives first, everything is asked, written, told and
// cancelled in the recording's order. Its stoppers are not asked; it ends where the recording ends.
struct Script {
  std::vector<SearchEvent> events;
  StopReason stopped;  // why the recorded session stopped; empty if it had not when it was recorded
  // The calls to models that were answered, by expansion and attempt: no others are made beyond an expansion's first.
  std::set<std::pair<ExpansionId, int>> calls = {};
  int fruitless = 1;  // SearchOptions::fruitless of the session that was recorded
};

// Whom the session works with. All outlive it. An evaluator that answers with an error of kind `deferred` has the
// session go on without it, and end, interrupted, when all that is left to do is to wait for such answers.
struct SessionParts {
  Loop& loop;
  const Clock& clock;
  Evaluator& evaluator;
  Synthesizer& synthesizer;
  Store& store;
  ProgressView& view;
  nlohmann::json target_facts;                                   // descriptor and calibration, for requests
  nlohmann::json versions;                                       // kept with the session
  std::function<Result<Candidate>(const Understood&)> identity;  // writes the first node
  LateExchangeLog* exchanges = nullptr;  // of the models that the synthesizer asks; nullptr: it asks none
  Spend foreseen = {};                   // one call, as far as it can be told before the first: `largest_…`
  std::shared_ptr<const Script> script = {};
  // At most so many expansions are asked, instead of `jobs` at once; when all that is left to do is to wait for
  // proposals, the session ends, interrupted: for answers that come from outside, in a later process.
  std::optional<int> asks = {};
};

// How a session ended.
struct SessionResult {
  SessionId session;
  SessionStatus status = SessionStatus::finished;
  StopReason stopped;
  std::int64_t candidates = 0;
  double seconds = 0;
  Spend spend;
  // What is handed over: the best node if its speedup over eager is a win, else the identity plan (node 0). With
  // `confirmed` that was decided by confirming runs. nullopt: nothing was right.
  std::optional<NodeIndex> best;
  bool win = false;
  bool confirmed = false;
  bool reference = false;      // `best` is only the closest there was: the reference itself is handed over (confirm.h)
  std::optional<Error> error;  // what ended it, if status is failed
};

class Session {
 public:
  // A new session in the store, or one that is there. Resuming replays what was recorded; expansions that were in
  // flight are carried out again when run() is called. `budget`, if not empty, replaces the recorded one.
  [[nodiscard]] static Result<std::unique_ptr<Session>> start(SessionParts parts, const SessionOptions& options,
                                                              std::shared_ptr<const Understood> problem);
  [[nodiscard]] static Result<std::unique_ptr<Session>> resume(SessionParts parts, const SessionId& id,
                                                               std::shared_ptr<const Understood> problem,
                                                               const std::string& budget);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session();

  using Done = std::function<void(const SessionResult&)>;
  void run(Done done);  // `done` comes once, on the loop's thread
  // Ctrl-C: asks for nothing more, cancels what is in flight and ends; what was in flight is carried out by a resume.
  void interrupt();
  // Before run(): expansions that wait for a proposal are taken back.
  void abandon_proposals();

  [[nodiscard]] const SessionId& id() const;
  [[nodiscard]] const SessionNodes& nodes() const;
  [[nodiscard]] const SessionOptions& options() const;
  [[nodiscard]] Snapshot snapshot() const;
  [[nodiscard]] std::vector<ExpansionId> waiting() const;  // for a proposal

 private:
  class Engine;
  explicit Session(std::shared_ptr<Engine> engine);
  std::shared_ptr<Engine> engine_;  // callbacks hold weak references to it
};

// A session's nodes as the store has them, for reports: with candidates, every evaluation and the confirming run.
[[nodiscard]] Result<SessionNodes> load_nodes(Store& store, const SessionId& id);

}  // namespace kerf
