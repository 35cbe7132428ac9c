// A small scheduler of typed jobs on the loop's thread. It knows nothing of kernels: jobs have a kind, a key, what they
// wait for and which part of the machine they need; their bodies block on the loop's pool.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/loop.h"
#include "evaluate/evaluation.h"
#include "evaluate/result_cache.h"

namespace kerf {

// Which part of the machine a job needs.
enum class Slot : std::uint8_t {
  light,    // next to nothing (reading, checking): always starts
  compile,  // a core: up to `JobLimits::compile` side by side
  run,      // runner and oracle: one at a time, beside compilations
  alone,    // the quiet machine: starts when nothing else of ours runs, and nothing starts before it has ended
};

struct JobLimits {
  int compile = 1;
  int attempts = 3;  // of a job that fails for reasons of ours (ErrorKind::system, ErrorKind::internal)
  // What is alone is alone on a device, with cores to spare: light jobs and compilations go on beside it.
  bool device = false;
};

using JobId = std::uint64_t;
using JobGroup = std::uint64_t;  // what is cancelled together: the jobs of one candidate

// How a job ended. `output` is its body's text, or the cached one.
struct JobOutcome {
  Result<std::string> output;
  JobRecord record;
  int attempts = 0;  // 0 if it came from the cache
};

struct Job {
  std::string kind;  // "compile", "verify", …: what the record says
  std::string key;   // digest of everything that the output depends on; empty: not cached
  Slot slot = Slot::light;
  std::vector<JobId> after = {};  // starts when all of these have succeeded; of unknown ones it is taken that they have
  // On a pool thread, once an attempt. An error of kind `candidate` is the candidate's result and is final (an output
  // that says so can be cached, an error cannot); system and internal errors are ours and are retried.
  std::function<Result<std::string>()> body;
  // On the loop's thread, exactly once, also when the job was cancelled or never started because one of `after` failed
  // (ErrorKind::cancelled). May add jobs.
  std::move_only_function<void(JobOutcome)> done;
};

class JobGraph {
 public:
  // `clock` and `cache` must outlive the graph; the loop, too. Bodies that run when the graph is destroyed end in
  // peace, their `done` is not called.
  JobGraph(Loop& loop, const Clock& clock, ResultCache& cache, JobLimits limits);
  ~JobGraph();
  JobGraph(const JobGraph&) = delete;
  JobGraph& operator=(const JobGraph&) = delete;

  [[nodiscard]] JobGroup open_group();
  JobId add(JobGroup group, Job job);
  // Jobs that wait never start; of those that run, the outcome is dropped and `done` hears of the cancellation now.
  // Slots stay taken until their bodies return. Later additions to the group are cancelled at once.
  void cancel(JobGroup group);
  [[nodiscard]] bool cancelled(JobGroup group) const;
  // Waiting and running jobs.
  [[nodiscard]] std::size_t pending() const;
  [[nodiscard]] int running() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace kerf
