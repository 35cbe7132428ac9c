// The job graph behind one call.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "candidate/candidate.h"
#include "evaluate/evaluation.h"

namespace kerf {

// How much is wanted to be known.
enum class Effort : std::uint8_t {
  screen,   // verdict and a first time: enough to decide whether to build on it
  confirm,  // more samples, every baseline, all hidden variants: what a report may quote
};

struct EvaluationRequest {
  std::shared_ptr<const Understood> problem;
  Effort effort = Effort::screen;
  bool profile = false;         // why it is slow, by counters, where the runner has them
  bool traces = false;          // what the baselines do, by PyTorch's profiler; a profile has them, too
  bool ncu = false;             // with a profile: counters by NVIDIA Nsight Compute instead of CUPTI
  bool remeasure = false;       // verdict is known (cached); time it again
  std::uint64_t expansion = 0;  // of the search that wants to know, for recordings; 0: none
  // Told Evaluation::code once it was compiled: whose it is already ("node 7, whose verdict was wrong"), or nullopt.
  // What is known is rejected by rule `repetition`: nothing of it is run. On the loop's thread; not set: nothing is.
  std::function<std::optional<std::string>(const std::string& code)> known_code = {};
};

struct Evaluator {
  Evaluator() = default;
  Evaluator(const Evaluator&) = delete;
  Evaluator& operator=(const Evaluator&) = delete;
  virtual ~Evaluator() = default;
  using Done = std::move_only_function<void(Result<Evaluation>)>;
  // Never blocks; `done` comes on the loop's thread. An error is ours; whatever the candidate does is an Evaluation.
  virtual void submit(Candidate candidate, EvaluationRequest request, Done done) = 0;
  virtual void cancel_all() = 0;
};

}  // namespace kerf
