#include "evaluate/spread_evaluator.h"

#include <algorithm>
#include <future>
#include <map>
#include <string>
#include <utility>

namespace kerf {
namespace {

class SpreadEvaluator final : public Evaluator {
 public:
  explicit SpreadEvaluator(std::vector<std::unique_ptr<Evaluator>> evaluators)
      : evaluators_(std::move(evaluators)), in_flight_(std::make_shared<std::vector<int>>(evaluators_.size(), 0)) {}

  void submit(Candidate candidate, EvaluationRequest request, Done done) override {
    const auto least = std::ranges::min_element(*in_flight_) - in_flight_->begin();
    const auto at = static_cast<std::size_t>(places_.try_emplace(candidate.id(), least).first->second);
    ++in_flight_->at(at);
    evaluators_[at]->submit(
        std::move(candidate), std::move(request),
        [in_flight = in_flight_, at, done = std::move(done)](Result<Evaluation> evaluation) mutable {
          --in_flight->at(at);
          done(std::move(evaluation));
        });
  }

  void cancel_all() override {
    for (const auto& evaluator : evaluators_) evaluator->cancel_all();
  }

 private:
  std::vector<std::unique_ptr<Evaluator>> evaluators_;
  std::shared_ptr<std::vector<int>> in_flight_;
  std::map<std::string, std::ptrdiff_t> places_;  // by candidate
};

class SpreadOracle final : public Oracle {
 public:
  explicit SpreadOracle(std::vector<Oracle*> oracles) : oracles_(std::move(oracles)) {}

  Result<Understood> admit(const Problem& problem, int variants) override {
    std::vector<std::future<Result<Understood>>> others;
    for (std::size_t i = 1; i < oracles_.size(); ++i)
      others.push_back(
          std::async(std::launch::async, [&, oracle = oracles_[i]] { return oracle->admit(problem, variants); }));
    Result<Understood> first = oracles_[0]->admit(problem, variants);
    for (auto& other : others) {
      const Result<Understood> understood = other.get();
      if (!first) continue;
      if (!understood) {
        first = std::unexpected(understood.error());
      } else if (!std::ranges::equal(first->workloads, understood->workloads, {}, &Workload::id, &Workload::id)) {
        first = fail(ErrorKind::internal, "two devices understand the problem differently");
      }
    }
    return first;
  }
  Result<Understood> trace(const Problem& problem, int variants) override { return one().trace(problem, variants); }
  Result<Trial> draw(const TrialRequest& request) override { return one().draw(request); }
  Result<Judgement> judge(const Trial& trial, const Arena& outputs, std::uint64_t sentinel,
                          bool inputs_changed) override {
    return one().judge(trial, outputs, sentinel, inputs_changed);
  }
  Result<> prepare_baseline(const std::string& workload, Baseline baseline, bool held) override {
    return one().prepare_baseline(workload, baseline, held);
  }
  Result<double> time_baseline(const Trial& trial, Baseline baseline, bool cold) override {
    return one().time_baseline(trial, baseline, cold);
  }
  std::int64_t baseline_switches() override { return one().baseline_switches(); }
  bool baseline_shows_host() override { return one().baseline_shows_host(); }
  void forget(const std::string& trial) override { one().forget(trial); }
  Result<Arena> make_outputs(const Workload& workload, Placement placement) override {
    return one().make_outputs(workload, placement);
  }
  Result<> fill(Arena& outputs, std::uint64_t sentinel) override { return one().fill(outputs, sentinel); }
  Result<std::optional<MarginHit>> find_margin_hit(const Arena& outputs, std::uint64_t sentinel) override {
    return one().find_margin_hit(outputs, sentinel);
  }
  Result<std::optional<Difference>> find_difference(const Arena& a, const Arena& b) override {
    return one().find_difference(a, b);
  }
  Result<> perturb(Trial& trial, const std::vector<std::string>& names, Random& random) override {
    return one().perturb(trial, names, random);
  }
  Result<bool> is_intact(const Trial& trial) override { return one().is_intact(trial); }
  nlohmann::json versions() override { return one().versions(); }

 private:
  [[nodiscard]] Oracle& one() const { return *oracles_.front(); }
  std::vector<Oracle*> oracles_;
};

}  // namespace

std::unique_ptr<Evaluator> make_spread_evaluator(std::vector<std::unique_ptr<Evaluator>> evaluators) {
  return std::make_unique<SpreadEvaluator>(std::move(evaluators));
}

std::unique_ptr<Oracle> make_spread_oracle(std::vector<Oracle*> oracles) {
  return std::make_unique<SpreadOracle>(std::move(oracles));
}

}  // namespace kerf
