// Candidates of one language, compiled for a target and judged on the CPU, with PyTorch; nothing is timed.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "base/clock.h"
#include "base/loop.h"
#include "evaluate/local_evaluator.h"
#include "evaluate/native_runner.h"
#include "evaluate/oracle_client.h"
#include "target/target.h"

namespace kerf {

// For a test suite, which sets it up and tears it down once.
class Untimed {
 public:
  static constexpr int threads = 2;
  using MakeBackend = Result<std::unique_ptr<LanguageBackend>> (*)(const Target&);

  Untimed(const char* target_name, Language language, MakeBackend make) {
    auto made = make_loop(4);
    const auto target = load_target(target_name);
    if (!made || !target) {
      ADD_FAILURE() << (why = made ? target.error().message : made.error().message);
      return;
    }
    loop = std::move(*made);
    auto runner = make_native_runner();
    auto backend = make(*target);
    if (!runner || !backend) {
      why = !runner ? runner.error().message : backend.error().message;
      return;
    }
    facts = to_json(*target);
    languages.add(language, {.backend = std::move(*backend), .runner = std::move(*runner)});
    oracle = make_oracle({.tf32 = target->gpu.has_value(), .threads = threads});
    watch = make_machine_watch();
    // Drawn alike in each run, so that what fails can be had again.
    evaluator = make_local_evaluator(
        {.loop = *loop, .clock = clock, .oracle = *oracle, .languages = languages, .cache = cache, .watch = *watch},
        {.target = target_name, .emulated = emulated_only, .jobs = 2, .threads = threads, .seed = 7});
  }
  ~Untimed() {
    evaluator.reset();
    loop.reset();
  }
  Untimed(const Untimed&) = delete;
  Untimed& operator=(const Untimed&) = delete;

  // An error where the problem cannot be had or is refused.
  Result<std::shared_ptr<const Understood>> understand(const Problem& problem, int variants) {
    Understood understood = TRY(oracle->admit(problem, variants));
    if (!understood.admission.admitted) return user_error(understood.admission.refused);
    return std::make_shared<const Understood>(std::move(understood));
  }
  std::shared_ptr<const Understood> admit(const Problem& problem, int variants) {
    auto understood = understand(problem, variants);
    EXPECT_TRUE(understood) << understood.error().message;
    return understood ? *understood : nullptr;
  }
  // One evaluation for each candidate; they are compiled side by side.
  std::vector<Result<Evaluation>> evaluate(const std::vector<Candidate>& candidates,
                                           const std::shared_ptr<const Understood>& problem) {
    std::vector<Result<Evaluation>> results(candidates.size(), fail(ErrorKind::internal, "no answer"));
    for (std::size_t i = 0; i < candidates.size(); ++i)
      evaluator->submit(candidates[i], {.problem = problem, .effort = Effort::screen},
                        [&results, i](Result<Evaluation> e) { results[i] = std::move(e); });
    loop->run();
    return results;
  }
  Result<Evaluation> evaluate(const Candidate& candidate, const std::shared_ptr<const Understood>& problem) {
    return evaluate(std::vector{candidate}, problem).front();
  }

  std::string why;  // it cannot be had here; empty if it can
  nlohmann::json facts;

 private:
  std::unique_ptr<Loop> loop;
  SystemClock clock;
  MemoryResultCache cache;
  std::unique_ptr<Oracle> oracle;
  Languages languages;
  std::unique_ptr<MachineWatch> watch;
  std::unique_ptr<Evaluator> evaluator;
};

}  // namespace kerf
