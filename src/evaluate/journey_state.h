// What the jobs of one evaluation work on: what all candidates share, and what is known of one. A job's body stands in
// a file of its own (lint_job.h, time_job.h, tune_job.h, profile_job.h, watch_job.h, model_job.h, probe_job.h,
// trace_job.h, diagnose_job.h); journey.cc says which follows which.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "evaluate/local_evaluator.h"
#include "evaluate/profile/launch_profile.h"
#include "evaluate/profile/torch_trace.h"
#include "evaluate/tuning.h"

namespace kerf {

// Bodies that use it take the slots `run` and `alone`, of which one is taken at a time.
struct SharedState {
  SharedState(const EvaluatorParts& p, LocalEvaluatorOptions o)
      : parts(p),
        options(std::move(o)),
        trials(p.oracle, options.trials),
        machine(machine_identity(detect_machine())) {}

  EvaluatorParts parts;
  LocalEvaluatorOptions options;
  TrialPool trials;
  // Per workload and baseline: empty once it is ready, else why this machine cannot have it. For bodies in those slots.
  std::map<std::pair<std::string, Baseline>, std::string> baselines;
  // The same, as the loop's thread knows it: what need not be made ready by a job of its own.
  std::set<std::pair<std::string, Baseline>> settled;
  // Of workload and baseline, or why there is none. For the loop's thread.
  std::map<std::pair<std::string, std::string>, Result<TorchTrace>> traces;
  // Of each workload the time of the fastest that was worth a profile: what is faster is, too. For the loop's thread.
  std::map<std::string, double> best_us;
  std::string machine;  // on which picks of tune points hold

  [[nodiscard]] VerifyTools verify_tools(Runner& runner) {
    constexpr double emulation_slowdown = 20;
    return {.oracle = parts.oracle,
            .runner = runner,
            .trials = trials,
            .watch = parts.watch,
            .threads = options.threads,
            .slowdown = options.emulated.empty() ? 1 : emulation_slowdown};
  }
  [[nodiscard]] TimingTools timing_tools(Runner& runner) {
    return {.oracle = parts.oracle,
            .runner = runner,
            .trials = trials,
            .watch = parts.watch,
            .clock = parts.clock,
            .threads = options.threads,
            .graph = options.graph};
  }
  [[nodiscard]] ProfileTools profile_tools(Runner& runner) {
    return {.oracle = parts.oracle, .runner = runner, .trials = trials, .threads = options.threads};
  }
  // After a failure of ours the oracle may be a new process: nothing that the old one knew is known.
  template <class T>
  Result<T> watched(Result<T> result) {
    if (!result && (result.error().kind == ErrorKind::system || result.error().kind == ErrorKind::internal)) {
      trials.clear();
      baselines.clear();
    }
    return result;
  }
};

// One candidate. Its jobs run one after the other, compilations apart, so that no two touch the same of it at a time.
struct CandidateState {
  Candidate candidate;
  EvaluationRequest request;
  Random random;
  Source source = {};
  LanguageTools tools = {};  // of the candidate's language, once it was read
  std::vector<TunePoint> points = {};
  std::vector<Image> images = {};  // of the points
  std::size_t pick = 0;            // among them
  Tuned tuned = {};
  std::vector<Baseline> wanted = {};
  std::string untimed = {};  // why no time can be taken; empty: one can, or was
  Timed timed = {};
  std::optional<TakenProfile> profile = {};
  std::optional<RunWatch> watched = {};
  Result<ProbedKernel> probed = ProbedKernel();
  std::optional<Timeline> timeline = {};
  std::map<std::string, Result<TorchTrace>> traces = {};  // by baseline: those that are taken
  std::map<std::string, TorchTrace> known_traces = {};    // those that are known
  Diagnosis diagnosis = {};

  [[nodiscard]] const Workload& primary() const { return request.problem->workloads.front(); }
  [[nodiscard]] const Image& image() const { return images[pick]; }
  [[nodiscard]] const TunePoint& point() const { return points[pick]; }
  // What a profile is asked of.
  [[nodiscard]] ProfileRequest profile_request() const {
    return {.source = source,
            .image = image(),
            .point = point(),
            .workload = primary(),
            .time_us = timed.receipt.time_us.median,
            .step_us = timed.step_us,
            .effort = request.profile     ? Effort::confirm
                      : request.remeasure ? Effort::screen  // times are wanted, and nobody is told of the reasons
                                          : request.effort,
            .quotable = request.profile || request.effort == Effort::confirm,
            .ncu = request.ncu};
  }
};

// Part of every key: raised when a change of the protocol makes old verdicts worthless.
inline constexpr int harness_version = 3;

// Of workloads, distributions and threads: what a verdict and a pick depend on besides the candidate.
[[nodiscard]] inline std::string problem_key(const SharedState& shared, const CandidateState& c) {
  Digest digest;
  for (const auto& w : c.request.problem->workloads) digest.add(w.id).add(w.exact_convolutions ? "exact" : "");
  for (const auto& d : c.request.problem->admission.distributions) digest.add(d);
  digest.add(static_cast<std::int64_t>(shared.options.threads));
  return digest.hex();
}

}  // namespace kerf
