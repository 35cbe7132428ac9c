// The evaluator of this machine: the job graph, the protocols and the diagnosis behind one call.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/clock.h"
#include "base/loop.h"
#include "evaluate/diagnosis.h"
#include "evaluate/evaluator.h"
#include "evaluate/job_graph.h"
#include "evaluate/languages.h"
#include "evaluate/loop_diagnosis.h"
#include "evaluate/machine_watch.h"
#include "evaluate/oracle.h"
#include "evaluate/result_cache.h"
#include "evaluate/timing.h"
#include "evaluate/trial_pool.h"
#include "target/target.h"

namespace kerf {

// What it stands on. All must outlive the evaluator, and the loop's pool must have come to rest before they go.
struct EvaluatorParts {
  Loop& loop;
  const Clock& clock;
  Oracle& oracle;
  Languages& languages;
  ResultCache& cache;
  MachineWatch& watch;
};

struct LocalEvaluatorOptions {
  std::string target = "cpu";  // what evaluations say
  // Not empty: candidates are executed in an emulation, which tells right from wrong and nothing of time. Then receipts
  // have the evidence `emulated`, no times, and this text as the reason.
  std::string emulated;
  bool graph = false;      // times are those of one captured graph, of baselines (the oracle's affair), too
  int jobs = 1;            // compilations side by side
  bool device = false;     // runs are on one, and cores to spare: compilations go on while something is timed there
  int threads = 1;         // of candidates and baselines alike
  std::uint64_t seed = 0;  // of trials, orders and sentinels; 0: from the operating system, as secrets should be
  MachineLimits limits;    // calibrated roofline; zero where unknown: then no speed of light
  nlohmann::json versions =
      nlohmann::json::object();  // what receipts say besides torch and compiler: {"kerf": "0.1.0"}
  TrialPool::Limits trials;
  TimingOptions screen = timing_options(Effort::screen);
  TimingOptions confirm = timing_options(Effort::confirm);
  std::optional<GpuLimits> gpu;  // of a target that is one
  // What a model of the processor says of a kernel in an object; not set: nobody is asked.
  LoopModeller model_loop = {};
  bool max_autotune = false;                     // a third baseline of confirmations: torch.compile's longest search
  bool compile_baseline_when_screening = false;  // torch.compile is made ready at the first confirmation otherwise
};

[[nodiscard]] std::unique_ptr<Evaluator> make_local_evaluator(const EvaluatorParts& parts,
                                                              LocalEvaluatorOptions options);

}  // namespace kerf
