// A GPU that need not be there: candidates of one language are compiled for it and judged on the CPU, with PyTorch.
#pragma once

#include <fmt/format.h>
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
#include "target/nvidia/cuda.h"
#include "target/target.h"

namespace kerf {

// For a test suite, which sets it up and tears it down once.
class EmulatedGpu {
 public:
  static constexpr int threads = 2;
  using MakeBackend = Result<std::unique_ptr<LanguageBackend>> (*)(const Target&);

  EmulatedGpu(Language language, MakeBackend make) {
    auto made = make_loop(4);
    const auto target = load_target("nvidia");
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
    oracle = make_oracle({.tf32 = true, .threads = threads});
    watch = make_machine_watch();
    evaluator = make_local_evaluator(
        {.loop = *loop, .clock = clock, .oracle = *oracle, .languages = languages, .cache = cache, .watch = *watch},
        {.target = "nvidia", .emulated = emulated_only, .jobs = 2, .threads = threads});
  }
  ~EmulatedGpu() {
    evaluator.reset();
    loop.reset();
  }
  EmulatedGpu(const EmulatedGpu&) = delete;
  EmulatedGpu& operator=(const EmulatedGpu&) = delete;

  std::shared_ptr<const Understood> admit(const Problem& problem, int variants) {
    auto understood = oracle->admit(problem, variants);
    EXPECT_TRUE(understood) << understood.error().message;
    if (!understood) return nullptr;
    EXPECT_TRUE(understood->admission.admitted) << understood->admission.refused;
    return std::make_shared<const Understood>(std::move(*understood));
  }
  Result<Evaluation> evaluate(const Candidate& candidate, const std::shared_ptr<const Understood>& problem) {
    Result<Evaluation> result = fail(ErrorKind::internal, "no answer");
    evaluator->submit(candidate, {.problem = problem, .effort = Effort::screen},
                      [&](Result<Evaluation> e) { result = std::move(e); });
    loop->run();
    return result;
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

inline std::string words(const Result<Evaluation>& e) {
  if (!e) return e.error().message;
  return fmt::format("{} {} at {}: {}", to_string(e->verdict), e->rule.value_or("-"),
                     e->at ? fmt::format("{}:{}", e->at->line, e->at->column) : "nowhere", e->message.value_or(""));
}

}  // namespace kerf
