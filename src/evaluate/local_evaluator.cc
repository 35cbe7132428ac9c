#include "evaluate/local_evaluator.h"

#include <algorithm>
#include <utility>

#include "base/hash.h"
#include "evaluate/journey.h"
#include "evaluate/journey_state.h"

namespace kerf {
namespace {

class LocalEvaluator final : public Evaluator {
 public:
  LocalEvaluator(const EvaluatorParts& parts, LocalEvaluatorOptions options)
      : shared_(std::make_shared<SharedState>(parts, std::move(options))),
        random_(shared_->options.seed != 0 ? shared_->options.seed : secret_seed()),
        graph_(parts.loop, parts.clock, parts.cache,
               {.compile = shared_->options.jobs, .attempts = 3, .device = shared_->options.device}) {}

  void submit(Candidate candidate, EvaluationRequest request, Done done) override {
    if (auto refusal = refuse(candidate, request)) {
      shared_->parts.loop.post(
          [done = std::move(done), error = std::move(*refusal)]() mutable { done(std::unexpected(std::move(error))); });
      return;
    }
    const auto id = Digest()
                        .add(candidate.id())
                        .add(shared_->parts.clock.unix_ms())
                        .add(static_cast<std::int64_t>(random_.next()))
                        .hex()
                        .substr(0, 16);
    std::erase_if(under_way_, [](const auto& journey) { return journey.expired(); });
    under_way_.push_back(begin_journey(
        shared_, graph_, {.candidate = std::move(candidate), .request = std::move(request), .random = random_.split()},
        id, std::move(done)));
  }

  void cancel_all() override {
    const auto all = std::exchange(under_way_, {});
    for (const auto& journey : all)
      if (const auto group = journey.lock()) graph_.cancel(*group);
  }

 private:
  [[nodiscard]] std::optional<Error> refuse(const Candidate& candidate, const EvaluationRequest& request) const {
    if (!request.problem || request.problem->workloads.empty()) {
      return Error{.kind = ErrorKind::internal, .message = "an evaluation needs a problem that was admitted"};
    }
    if (!request.problem->admission.admitted) {
      return Error{.kind = ErrorKind::user,
                   .message = request.problem->problem.id + " was refused: " + request.problem->admission.refused};
    }
    if (!shared_->parts.languages.has(candidate.language)) {
      return Error{.kind = ErrorKind::unavailable,
                   .message = std::string("unavailable: target ") + shared_->options.target + " takes candidates in " +
                              shared_->parts.languages.names() + ", and this one is " + to_string(candidate.language)};
    }
    return std::nullopt;
  }

  std::shared_ptr<SharedState> shared_;
  Random random_;
  JobGraph graph_;
  std::vector<std::weak_ptr<const JobGroup>> under_way_;  // journeys
};

}  // namespace

std::unique_ptr<Evaluator> make_local_evaluator(const EvaluatorParts& parts, LocalEvaluatorOptions options) {
  return std::make_unique<LocalEvaluator>(parts, std::move(options));
}

}  // namespace kerf
