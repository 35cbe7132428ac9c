// Why is a right candidate slow? Names of metrics are those of docs/diagnosis.md.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "candidate/plan.h"
#include "evaluate/cache_traffic.h"
#include "evaluate/evaluation.h"
#include "target/language.h"

namespace kerf {

struct CacheRoom {
  int level = 0;
  double bytes = 0;  // of all cores together
};

// What the machine can do, measured (roofline). Zero where unknown.
struct MachineLimits {
  double bytes_per_us = 0;       // from memory, all threads, cold caches
  double operations_per_us = 0;  // floating point, all threads, in the workload's type
  double launch_us = 0;          // to hand out one launch and wait for its threads
  int threads = 1;
  std::int64_t cache_bytes = 0;        // of the last level: results may still lie in it when the clock stops
  std::vector<CacheRoom> caches = {};  // from the second level on, the last one last; empty where unknown
};

// The shortest time in which the bytes that must move and the operations that must be done are possible; nullopt if
// the limits are unknown.
[[nodiscard]] std::optional<double> speed_of_light_us(const Workload& workload, const MachineLimits& limits);

// What no honest time can fall below: as above, but results need not have reached memory as far as the last cache holds
// them. What is faster by more than 5 % is quarantined.
[[nodiscard]] std::optional<double> shortest_believable_us(const Workload& workload, const MachineLimits& limits);

// One step of the plan as it was bound to the workload, loops added up.
struct StepShape {
  bool launch = false;  // or a library call
  std::string name;     // kernel or operator
  Location at;
  double count = 0;  // executions in one run
  double bytes = 0;  // of the tensors that it touches, each once an execution; 0 where unknown (results of calls)
  double tasks = 0;  // of one launch
  bool prepare = false;
};
struct PlanShape {
  std::vector<StepShape> steps;                  // one per step of the plan
  std::vector<int> owner;                        // of each bound step (loops unrolled, in order): its step of the plan
  std::vector<std::vector<Touch>> touches = {};  // of each bound step
};
// nullopt if the plan cannot be bound without running it.
[[nodiscard]] std::optional<PlanShape> shape_of_plan(const Source& source, const Workload& workload,
                                                     const TunePoint& point, int threads);

// Lines of the candidate's text that belong to a kernel, from its declaration to its closing brace.
[[nodiscard]] std::optional<std::pair<int, int>> lines_of_kernel(std::string_view text, std::string_view kernel);

struct DiagnosisInput {
  const Source& source;
  const Workload& workload;
  const Receipt& receipt;
  MachineLimits limits;
  std::optional<PlanShape> shape;
  std::vector<double> step_us;  // as the runner reports them: per bound step, or per step of the plan
  std::vector<CompilerRemark> remarks;
};
[[nodiscard]] Diagnosis diagnose(const DiagnosisInput& input);

}  // namespace kerf
