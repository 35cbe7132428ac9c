// A local evaluator over fakes, from a candidate's text to its evaluation: for tests of what it makes of the jobs.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "evaluate/fake_oracle.h"
#include "evaluate/local_evaluator.h"
#include "evaluate/scripted_runner.h"

namespace kerf {

inline constexpr const char* relu = R"cpp(/* /// kerf
version = 1
supports = "x.ndim == 2"
[[step]]
launch = "relu"
grid = ["x.shape[0]"]
args = ["x", "out", "x.shape[1]"]
/// */
                                          extern "C" void relu(const float* x, float* out, int64_t n, int64_t row) {
                                            for (int64_t i = 0; i < n; ++i) out[row * n + i] = x[row * n + i] > 0 ? x[row * n + i] : 0;
                                          }
)cpp";

inline constexpr const char* tuned = R"cpp(/* /// kerf
version = 1
[tune]
BLOCK = [1, 2, 4]
[[step]]
launch = "relu"
grid = ["cdiv(x.shape[0], BLOCK)"]
args = ["x", "out", "x.shape[1]"]
/// */
                                           extern "C" void relu(const float* x, float* out, int64_t n, int64_t row) {}
)cpp";

// Every image is new, unless the test says otherwise.
struct FakeBackend final : LanguageBackend {
  std::mutex mutex;
  std::vector<std::string> compiled;
  std::function<Result<>(const Source&, const TunePoint&)> on_compile = [](const Source&, const TunePoint&) {
    return Result<>();
  };
  std::function<std::string(const TunePoint&)> code = [](const TunePoint&) { return std::string(); };
  Result<Image> compile(const Source& source, const TunePoint& point,
                        std::span<const Workload> /*workloads*/) override {
    const std::lock_guard lock(mutex);
    compiled.push_back(to_string(point));
    if (auto ok = on_compile(source, point); !ok) return std::unexpected(ok.error());
    Image image;
    image.digest = source.candidate.id() + to_string(point);
    image.code = code(point);
    return image;
  }
  std::string version() const override { return "fake++ 1"; }
};

struct LocalEvaluation : ::testing::Test {
  std::unique_ptr<Loop> loop = make_manual_loop();
  SystemClock clock;
  FakeOracle oracle;
  std::shared_ptr<ScriptedRunner> scripted = std::make_shared<ScriptedRunner>();
  std::shared_ptr<FakeBackend> compiler = std::make_shared<FakeBackend>();
  ScriptedRunner& runner = *scripted;
  FakeBackend& backend = *compiler;
  Languages languages;
  MemoryResultCache cache;
  FakeMachineWatch watch;
  LocalEvaluatorOptions options;
  std::shared_ptr<const Understood> problem = std::make_shared<Understood>(*oracle.admit({.id = "fake/1/1"}, 1));
  std::unique_ptr<Evaluator> evaluator;

  LocalEvaluation() {
    languages.add(Language::cpp, {.backend = compiler, .runner = scripted});
    options.seed = 42;
    options.threads = 2;
    options.limits = {.bytes_per_us = 10, .operations_per_us = 1000, .launch_us = 1, .threads = 2};
    runner.program = [](const LoadRequest&) { return ScriptedRunner::honest(50); };
  }
  void open() {
    evaluator = make_local_evaluator(
        {.loop = *loop, .clock = clock, .oracle = oracle, .languages = languages, .cache = cache, .watch = watch},
        options);
  }
  Result<Evaluation> evaluate(const std::string& text, Effort effort = Effort::screen) {
    if (!evaluator) open();
    Result<Evaluation> result = fail(ErrorKind::internal, "no answer");
    int answers = 0;
    evaluator->submit({.text = text, .name = "c"}, {.problem = problem, .effort = effort}, [&](Result<Evaluation> e) {
      result = std::move(e);
      ++answers;
    });
    loop->run();
    EXPECT_EQ(answers, 1);
    return result;
  }
  // As a session asks that knows these codes.
  Result<Evaluation> evaluate_beside(const std::map<std::string, std::string>& known, const std::string& text) {
    if (!evaluator) open();
    Result<Evaluation> result = fail(ErrorKind::internal, "no answer");
    EvaluationRequest request{.problem = problem};
    request.known_code = [&](const std::string& asked) -> std::optional<std::string> {
      const auto found = known.find(asked);
      return found == known.end() ? std::nullopt : std::optional(found->second);
    };
    evaluator->submit({.text = text, .name = "c"}, std::move(request), [&](auto e) { result = std::move(e); });
    loop->run();
    return result;
  }
  static std::vector<std::string> kinds(const Evaluation& e, bool cached_only = false) {
    std::vector<std::string> names;
    for (const auto& job : e.jobs) {
      if (!cached_only || job.cached) names.push_back(job.kind);
    }
    return names;
  }
};

}  // namespace kerf
