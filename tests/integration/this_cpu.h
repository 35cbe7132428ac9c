// Candidates in C++ on this machine: the real compiler, jail, runner and PyTorch, behind one call.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "base/clock.h"
#include "base/loop.h"
#include "evaluate/local_evaluator.h"
#include "evaluate/machine_watch.h"
#include "evaluate/native_runner.h"
#include "evaluate/oracle_client.h"
#include "target/cpu/cpp.h"

namespace kerf {

// How candidates are screened where a test does not ask how fast they are, nor who else is at work.
inline TimingOptions hardly_timed() {
  TimingOptions options = with_rounds(timing_options(Effort::screen), 2);
  options.patience = {};
  return options;
}

// Starting PyTorch twice and building the bridge takes seconds: a test suite sets it up once.
class ThisCpu {
 public:
  static constexpr int threads = 2;

  explicit ThisCpu(const TimingOptions& screen) {
    auto made = make_loop(4);
    if (!made) {
      ADD_FAILURE() << (why = made.error().message);
      return;
    }
    loop_ = std::move(*made);
    auto runner = make_native_runner();
    auto backend = make_cpp_backend();
    if (!runner || !backend) {
      why = !runner ? runner.error().message : backend.error().message;
      return;
    }
    languages_.add(Language::cpp, {.backend = std::move(*backend), .runner = std::move(*runner)});
    oracle_ = make_oracle({.threads = threads});
    watch_ = make_machine_watch();  // honest candidates are spared where company is seen
    LocalEvaluatorOptions options{.jobs = 2, .threads = threads};
    options.screen = screen;
    evaluator_ = make_local_evaluator({.loop = *loop_,
                                       .clock = clock_,
                                       .oracle = *oracle_,
                                       .languages = languages_,
                                       .cache = cache_,
                                       .watch = *watch_},
                                      options);
  }
  ~ThisCpu() {
    evaluator_.reset();
    loop_.reset();
  }
  ThisCpu(const ThisCpu&) = delete;
  ThisCpu& operator=(const ThisCpu&) = delete;

  // With that many hidden variants; nullptr, and the test has failed, where it is not admitted.
  std::shared_ptr<const Understood> admit(const Problem& problem, int variants = 3) {
    auto understood = oracle_->admit(problem, variants);
    EXPECT_TRUE(understood) << understood.error().message;
    if (!understood) return nullptr;
    EXPECT_TRUE(understood->admission.admitted) << understood->admission.refused;
    if (!understood->admission.admitted) return nullptr;
    return std::make_shared<const Understood>(std::move(*understood));
  }
  Result<Evaluation> evaluate(const Candidate& candidate, const std::shared_ptr<const Understood>& problem,
                              Effort effort = Effort::screen) {
    Result<Evaluation> result = fail(ErrorKind::internal, "no answer");
    evaluator_->submit(candidate, {.problem = problem, .effort = effort},
                       [&](Result<Evaluation> e) { result = std::move(e); });
    loop_->run();
    return result;
  }

  std::string why;  // it cannot be had here; empty if it can

 private:
  std::unique_ptr<Loop> loop_;
  SystemClock clock_;
  MemoryResultCache cache_;
  std::unique_ptr<Oracle> oracle_;
  Languages languages_;
  std::unique_ptr<MachineWatch> watch_;
  std::unique_ptr<Evaluator> evaluator_;
};

// What an evaluation says, for a failing test's message.
inline std::string said(const Result<Evaluation>& e) {
  if (!e) return "error: " + e.error().message;
  std::string text = fmt::format("{} {}: {}", to_string(e->verdict), e->rule.value_or("-"), e->message.value_or("-"));
  for (const Check& check : e->checks) {
    if (!check.passed) text += "\n  " + check.name + " " + check.detail.dump();
  }
  return text;
}

}  // namespace kerf
