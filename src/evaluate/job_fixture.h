// What the jobs of one candidate stand on, over fakes: for tests of their bodies.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "evaluate/fake_oracle.h"
#include "evaluate/journey_state.h"
#include "evaluate/scripted_runner.h"

namespace kerf {

// A compiler whose images are empty. Of points that `refused` names it says that they cannot be.
struct QuietBackend final : LanguageBackend {
  std::string refused;
  Result<nlohmann::json> check(const Source&, const Workload&, const TunePoint& point, const Image*) override {
    if (!refused.empty() && to_string(point) == refused)
      return std::unexpected(ScriptedRunner::failure("rejected", "grid", "too many blocks"));
    return nlohmann::json();
  }
  Result<Image> compile(const Source&, const TunePoint&, std::span<const Workload>) override { return Image(); }
  std::string version() const override { return "quiet 1"; }
};

struct JobFixture : ::testing::Test {
  static constexpr const char* text = R"cpp(/* /// kerf
version = 1
supports = "x.ndim == 2"
[[step]]
launch = "relu"
grid = ["x.shape[0]"]
args = ["x", "out", "x.shape[1]"]
/// */
                                            extern "C" void relu(const float* x, float* out, int64_t n, int64_t row) {}
  )cpp";

  std::unique_ptr<Loop> loop = make_manual_loop();
  FakeClock clock;
  FakeOracle oracle;
  std::shared_ptr<ScriptedRunner> runner = std::make_shared<ScriptedRunner>();
  std::shared_ptr<QuietBackend> backend = std::make_shared<QuietBackend>();
  Languages languages;
  MemoryResultCache cache;
  FakeMachineWatch watch;
  std::shared_ptr<const Understood> problem = std::make_shared<Understood>(*oracle.admit({.id = "fake/1/1"}, 1));
  std::unique_ptr<SharedState> shared;

  JobFixture() {
    languages.add(Language::cpp, {.backend = backend, .runner = runner});
    use({});
  }
  void use(LocalEvaluatorOptions options) {
    shared = std::make_unique<SharedState>(
        EvaluatorParts{
            .loop = *loop, .clock = clock, .oracle = oracle, .languages = languages, .cache = cache, .watch = watch},
        std::move(options));
  }
  // Read, with its one point picked.
  [[nodiscard]] CandidateState candidate(Effort effort = Effort::screen) {
    CandidateState c{.candidate = {.text = text, .language = Language::cpp, .name = "c"},
                     .request = {.problem = problem, .effort = effort},
                     .random = Random(7)};
    c.source = *read_source(c.candidate);
    c.tools = {.backend = backend, .runner = runner};
    c.points = {TunePoint()};
    c.images = {Image()};
    return c;
  }
};

}  // namespace kerf
