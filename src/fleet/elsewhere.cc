#include "fleet/elsewhere.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/hash.h"

namespace kerf {

namespace {

std::string written_key(const std::string& session, const std::string& bundle) {
  return Digest().add("bundle written").add(session).add(bundle).hex();
}

// Of confirming runs, which no expansion asks for, there is one a candidate.
bool answers(const BundleResult& result, const std::string& candidate, const EvaluationRequest& request) {
  return result.effort == request.effort && result.expansion == request.expansion &&
         result.evaluation.candidate == candidate;
}

}  // namespace

ElsewhereEvaluator::ElsewhereEvaluator(Loop& loop, std::vector<BundleResult> results)
    : loop_(loop), results_(std::move(results)) {}

void ElsewhereEvaluator::submit(Candidate candidate, EvaluationRequest request, Done done) {
  const std::string id = candidate.id();
  const auto found = std::ranges::find_if(results_, [&](const BundleResult& r) { return answers(r, id, request); });
  Result<Evaluation> answer = fail(ErrorKind::deferred, "its evaluation is awaited from elsewhere");
  if (found != results_.end()) {
    answer = std::move(found->evaluation);
    results_.erase(found);
    ++used_;
  } else {
    awaited_.push_back({.candidate = std::move(candidate),
                        .effort = request.effort,
                        .remeasure = request.remeasure,
                        .profile = request.profile,
                        .traces = request.traces,
                        .ncu = request.ncu,
                        .expansion = request.expansion});
  }
  loop_.post(
      [generation = generation_, then = *generation_, answer = std::move(answer), done = std::move(done)]() mutable {
        if (*generation != then) return done(fail(ErrorKind::cancelled, "cancelled"));
        done(std::move(answer));
      });
}

std::vector<BundleItem> ElsewhereEvaluator::awaited() const {
  std::vector<BundleItem> items = awaited_;
  std::ranges::sort(items, {}, [](const BundleItem& i) { return std::tuple(i.expansion, i.candidate.id()); });
  return items;
}

void remember_bundle(ResultCache& cache, const Bundle& bundle) {
  cache.put(written_key(bundle.session, bundle.digest), "written");
}

Result<> check_results(ResultCache& cache, const Results& results, const std::string& session, const Problem& problem,
                       const std::string& target) {
  if (results.head.session != session) {
    return user_error(results.head.session.empty()
                          ? fmt::format("the results are of a bundle that no session wrote, not of session {}", session)
                          : fmt::format("the results are of session {}, not of {}", results.head.session, session));
  }
  if (!cache.get(written_key(session, results.head.bundle)))
    return user_error(fmt::format("the results are of a bundle ({}) that session {} did not write",
                                  results.head.bundle.substr(0, 12), session));
  const auto foreign = std::ranges::find_if(results.results, [&](const BundleResult& r) {
    return r.evaluation.problem != problem.id || r.evaluation.target != target || results.head.target != target;
  });
  if (foreign != results.results.end())
    return user_error(fmt::format("the results are of problem {} on target {}, session {} of {} on {}",
                                  foreign->evaluation.problem, foreign->evaluation.target, session, problem.id,
                                  target));
  return {};
}

bool same_machine(ResultCache& cache, const Results& results) {
  const std::string key = Digest().add("bundle machine").add(results.head.session).hex();
  const std::string machine = results.head.machine.dump();
  const auto first = cache.get(key);
  if (!first) cache.put(key, machine);
  return !first || *first == machine;
}

}  // namespace kerf
