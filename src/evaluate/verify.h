// Is a candidate right? The protocol that docs/evaluation.md describes. Blocks: called from job bodies, one at a time.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "evaluate/evaluation.h"
#include "evaluate/machine_watch.h"
#include "evaluate/oracle.h"
#include "evaluate/runner.h"
#include "evaluate/trial_pool.h"

namespace kerf {

// What a run or a judgement has against a candidate.
struct Finding {
  Verdict verdict = Verdict::wrong;
  std::string rule;
  std::string message;
  std::optional<Location> at;
};

// A failure of runner, language or plan that is the candidate's own (kind candidate) as a finding; the facts "verdict"
// and "rule" decide. Every other error is handed back: it is ours.
[[nodiscard]] Result<Finding> finding_of(Error error);

// The place of the last step that writes the named output: its kernel or operator. nullopt if none does.
[[nodiscard]] std::optional<Location> last_writer(const Plan& plan, const std::string& output);

// Where a kernel seems to wait for another task: its first loop on a line that reads atomically or through a volatile.
[[nodiscard]] std::optional<Location> waiting_loop(std::string_view text, std::string_view kernel);

struct Verification {
  std::optional<Finding> finding;  // none: right everywhere it was looked at
  std::vector<Check> checks;
  int variants_supported = 0;  // hidden variants that `supports` admits (all of them right, unless there is a finding)
  int variants = 0;
};

// What verifying needs of the world.
struct VerifyTools {
  Oracle& oracle;
  Runner& runner;
  TrialPool& trials;
  MachineWatch& watch;
  int threads = 1;
  double slowdown = 1;  // times run_limit: candidates that are executed in an emulation take longer
};

// One look at one workload.
struct Pass {
  std::string distribution = "own";
  Placement placement = Placement::front;
  TaskOrder order = TaskOrder::dynamic;
  bool repeat = false;  // run twice on the same trial, compare bit by bit
};

// Runs the passes in order in one process of the candidate; stops at the first that finds something. `what` names the
// workload in checks and messages ("primary", "variant 2").
[[nodiscard]] Result<Verification> verify_workload(const VerifyTools& tools, const Source& source, const Image& image,
                                                   const TunePoint& point, const Workload& workload,
                                                   const std::string& what, const std::vector<Pass>& passes,
                                                   Random& random);

// The smallest hidden variant that the candidate supports: wrong candidates end here, cheaply. Without one: no checks.
[[nodiscard]] Result<Verification> verify_small(const VerifyTools& tools, const Understood& problem,
                                                const Source& source, const Image& image, const TunePoint& point,
                                                Random& random);
// The primary workload on every distribution, placement and order, then every hidden variant that is supported, the
// smallest of them only `with_small` (where verify_small did not see this image).
[[nodiscard]] Result<Verification> verify_all(const VerifyTools& tools, const Understood& problem, const Source& source,
                                              const Image& image, const TunePoint& point, Random& random,
                                              bool with_small);

// How long one run may take before it counts as hanging. On a machine with company a run that took longer is tried once
// more, in a new process and with patience_factor() times as long.
[[nodiscard]] std::chrono::milliseconds run_limit(const Workload& workload, TaskOrder order, int threads);

// 1 on a quiet machine; with company how much longer to wait before a run is called hanging, at least 4.
[[nodiscard]] double patience_factor(Runner& runner, MachineWatch& watch, int threads);

}  // namespace kerf
