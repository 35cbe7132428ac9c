// The composition root: here, and only here, seams meet their implementations.
#pragma once

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/loop.h"
#include "base/room.h"
#include "evaluate/evaluator.h"
#include "evaluate/oracle.h"
#include "fleet/elsewhere.h"
#include "session/recording.h"
#include "session/session.h"
#include "store/store.h"
#include "synthesize/model/outside.h"
#include "synthesize/model/prices.h"
#include "target/target.h"

namespace kerf {

inline constexpr const char* kerf_version = "0.1.0";

struct WiringOptions {
  std::string store;    // path; empty: kerf.db in the data directory
  int jobs = 2;         // compilations side by side
  bool machine = true;  // compilers, oracle and runner, too; false: the store alone
  std::string target = "cpu";
  bool judges = true;               // compilers and runner, too; false: of the machine, the oracle alone
  std::vector<int> devices = {};    // GPUs that judge side by side, as the driver counts them; empty: the first
  bool graph = false;               // times are those of captured graphs
  bool searches = false;            // after screens the best are confirmed
  int runs = 0;                     // timed runs of each candidate; 0: as many as it takes
  int beside = 1;                   // wirings of this process that share the devices and cores, this one included
  std::shared_ptr<Room> room = {};  // of the GPU's memory, that they share, too
};

// How many sessions may go on side by side on a target: on a GPU as many as were asked for, if cores are left for what
// is timed there. `user` error on a CPU, whose timed runs need all cores; where candidates run in an emulation, which
// times nothing, any number.
[[nodiscard]] Result<int> sessions_beside(int asked, const std::string& target);

// `user` error where a target has no GPU, on which alone graphs are captured.
[[nodiscard]] Result<> check_graph(bool graph, const Target& target);

// Where a session's replies and evaluations come from, if not from models and this machine.
struct SessionSources {
  std::shared_ptr<const Recording> recording;
  OutsideModel::Answer answer;             // of every model: answers from outside, or none at all
  std::vector<BundleResult> results = {};  // of a session that is judged elsewhere
};

// All parts of one command, made in the order in which they need each other and gone in the reverse one.
class Wiring {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Wiring>> open(const WiringOptions& options);
  // The store alone, of which something is to be read. `user` error where one was named that is not there.
  [[nodiscard]] static Result<std::unique_ptr<Wiring>> open_to_read(const std::string& store);
  Wiring(const Wiring&) = delete;
  Wiring& operator=(const Wiring&) = delete;
  ~Wiring();

  [[nodiscard]] const Clock& clock() const;
  [[nodiscard]] Loop& loop();
  [[nodiscard]] Store& store();
  [[nodiscard]] Oracle& oracle();        // machine only
  [[nodiscard]] Evaluator& evaluator();  // machine that judges only
  // Of the session whose parts were made last, if it is judged elsewhere; else nullptr.
  [[nodiscard]] const ElsewhereEvaluator* elsewhere() const;
  // Before a session of the built-in synthesizer begins: what this machine has measured in earlier ones, for its cost
  // model, into options.costs.
  [[nodiscard]] Result<> add_experience(SessionOptions& options);
  // What a session works with. Every call makes a synthesizer of its own: what one learns lives as long as its session.
  // `unavailable` where a model cannot be asked (no key, no program), `user` for names that are none.
  [[nodiscard]] Result<SessionParts> session_parts(ProgressView& view, const SessionOptions& options,
                                                   const SessionSources& sources = {});
  // Before anything takes long: whether the models of the session whose parts were made last can be asked, without
  // spending a token. What only looks wrong is a note.
  [[nodiscard]] Result<> check_models(ProgressView& view);
  [[nodiscard]] const Prices& prices();  // loaded by session_parts
  // Threads that candidates and baselines run on.
  [[nodiscard]] int threads() const;
  [[nodiscard]] nlohmann::json versions() const;

 private:
  struct Parts;
  explicit Wiring(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

[[nodiscard]] Result<std::string> store_path(const std::string& asked);
// nullopt: unknown.
[[nodiscard]] std::optional<Price> price_of(const Prices& prices, std::string_view model, const std::string& base_url);
// What `replay:` names: a file that kerf export wrote, or a session of the store.
[[nodiscard]] Result<std::shared_ptr<const Recording>> load_recording(Store& store, const std::string& what);
// One thread per core that this process may use.
[[nodiscard]] int usable_cores();

// Runs `work` on the loop's pool and the loop until it is done. An interrupt in the meantime ends the wait with kind
// `cancelled`; the work goes on in the background and its result is dropped.
template <class T>
[[nodiscard]] Result<T> wait_for(Loop& loop, std::move_only_function<Result<T>()> work) {
  struct Shared {
    std::optional<Result<T>> result;
    bool interrupted = false;
  };
  auto shared = std::make_shared<Shared>();
  auto running = std::make_shared<std::move_only_function<Result<T>()>>(std::move(work));
  auto result = std::make_shared<std::optional<Result<T>>>();
  loop.offload([running, result] { *result = (*running)(); },
               [shared, result, &loop] {
                 if (shared->interrupted) return;
                 shared->result = std::move(*result);
                 loop.stop();
               });
  loop.on_interrupt([shared, &loop] {
    shared->interrupted = true;
    loop.stop();
  });
  loop.run();
  if (!shared->result) return fail(ErrorKind::cancelled, "interrupted");
  return std::move(*shared->result);
}

// Asks the oracle to understand a problem. Not admitted: `user` error with the reason.
[[nodiscard]] Result<std::shared_ptr<const Understood>> understand(Wiring& wiring, const Problem& problem);
// The same for a session that goes on: as the session kept it (what is timed while admitting differs from time to time,
// and prompts must not), and the target's facts as it kept them, into `parts`.
[[nodiscard]] Result<std::shared_ptr<const Understood>> understand_again(Wiring& wiring, const SessionRecord& record,
                                                                         const Problem& problem, SessionParts& parts);

}  // namespace kerf
