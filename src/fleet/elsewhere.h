// The evaluator of a session that another machine judges for: answers from results that are at hand, and remembers what
// else is wanted, for the next bundle. Every such answer is an error of kind `deferred`.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/loop.h"
#include "evaluate/evaluator.h"
#include "evaluate/result_cache.h"
#include "fleet/bundle.h"

namespace kerf {

class ElsewhereEvaluator final : public Evaluator {
 public:
  ElsewhereEvaluator(Loop& loop, std::vector<BundleResult> results);
  void submit(Candidate candidate, EvaluationRequest request, Done done) override;
  // What was submitted and has not been answered is answered with an error of kind `cancelled`.
  void cancel_all() override { ++*generation_; }

  // What was submitted and is not among the results, by expansion, then by candidate: the same whatever came first.
  [[nodiscard]] std::vector<BundleItem> awaited() const;
  [[nodiscard]] std::size_t used() const { return used_; }  // results

 private:
  Loop& loop_;
  std::vector<BundleResult> results_;
  std::vector<BundleItem> awaited_;
  std::size_t used_ = 0;
  std::shared_ptr<int> generation_ = std::make_shared<int>(0);
};

// Keeps in the store that a session wrote a bundle, so that its results are known when they come.
void remember_bundle(ResultCache& cache, const Bundle& bundle);
// `user` error if the results are not of a bundle that this session wrote, or are of another problem or target.
[[nodiscard]] Result<> check_results(ResultCache& cache, const Results& results, const std::string& session,
                                     const Problem& problem, const std::string& target);

// Whether a session's results are from the machine that its first ones were from; of the first, true.
[[nodiscard]] bool same_machine(ResultCache& cache, const Results& results);

}  // namespace kerf
