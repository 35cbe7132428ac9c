// An evaluator without compilers, runners or clocks: a landscape says how each candidate fares. Deterministic, so that
// tests of the session and benchmarks of search policies need no disk, no process and no time.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/loop.h"
#include "evaluate/evaluator.h"

namespace kerf {

// How a candidate fares. Speedups are against eager; `noise` is the standard deviation of one measurement's log.
struct FakeFate {
  Verdict verdict = Verdict::measured;
  double speedup = 1;
  std::string rule = {};
  std::string message = {};
  Bound bound = Bound::memory;
  std::string code = {};  // Evaluation::code
};

using Landscape = std::function<FakeFate(const Candidate&, const EvaluationRequest&)>;

// Log speedups spread over [-0.7, log(best)] by the candidate's digest, one in ten wrong.
[[nodiscard]] Landscape digest_landscape(double best = 4, std::uint64_t seed = 1);
// "speedup X", "verdict NAME [RULE]" and "code NAME" anywhere in the text decide, the first of each, up to the line's
// end; 1, measured and none without them.
[[nodiscard]] Landscape scripted_landscape();

struct FakeEvaluatorOptions {
  Landscape landscape = digest_landscape();
  double noise = 0;        // of one measurement, in log speedup
  std::uint64_t seed = 1;  // of the noise
  double eager_us = 1000;
  double compile_speedup = 1.2;        // torch.compile's over eager
  double best_possible = 8;            // speed of light, as speedup over eager
  std::chrono::milliseconds delay{0};  // until `done`, in the loop's time
};

class FakeEvaluator final : public Evaluator {
 public:
  explicit FakeEvaluator(Loop& loop, FakeEvaluatorOptions options = {});
  void submit(Candidate candidate, EvaluationRequest request, Done done) override;
  // What was submitted and has not been answered is answered with an error of kind `cancelled`.
  void cancel_all() override;

  struct Submitted {
    std::string candidate;  // digest
    Effort effort = Effort::screen;
    bool remeasure = false;
  };
  [[nodiscard]] const std::vector<Submitted>& submitted() const { return submitted_; }
  // The next submission is answered with this error instead, once.
  void fail_next(Error error) { failures_.push_back(std::move(error)); }
  // What the landscape and the noise make of a candidate, without submitting it; `attempt` counts its measurements.
  [[nodiscard]] Evaluation evaluate(const Candidate& candidate, const EvaluationRequest& request, int attempt) const;

 private:
  Loop& loop_;
  FakeEvaluatorOptions options_;
  std::vector<Submitted> submitted_;
  std::vector<Error> failures_;
  std::map<std::string, int> attempts_;
  std::uint64_t next_ticket_ = 0;
  std::shared_ptr<std::map<std::uint64_t, Done>> waiting_ = std::make_shared<std::map<std::uint64_t, Done>>();
};

}  // namespace kerf
