// A request as a session would make one, for tests of prompts and of whoever sends them: y = relu(x) on a made-up
// machine, with a parent (node 2) on a root (node 0), siblings and a failure. All figures are invented.
#pragma once

#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "evaluate/fake_oracle.h"
#include "synthesize/prompt/parts.h"
#include "synthesize/synthesizer.h"

namespace kerf {

[[nodiscard]] inline std::string fake_source(const std::string& body, const std::string& plan = "") {
  return "/* /// kerf\nversion = 1\n" + plan +
         "[[step]]\nlaunch = \"k\"\ngrid = [\"x.shape[0]\"]\nargs = [\"x\", \"out\", \"x.shape[1]\"]\n/// */\n\n"
         "extern \"C\" void k(const float* x, float* out, int64_t n, int64_t row) {\n"
         "  for (int64_t i = row * n; i < (row + 1) * n; ++i) " +
         body + "\n}\n";
}

[[nodiscard]] inline Recalled fake_node(std::int64_t node, std::string text, std::string rationale, double speedup) {
  Recalled recalled;
  recalled.node = node;
  recalled.candidate = {.text = std::move(text), .language = Language::cpp, .name = "fake.cpp"};
  recalled.rationale = std::move(rationale);
  recalled.log_speedup = std::log(speedup);
  Evaluation& e = recalled.evaluation;
  e.verdict = Verdict::measured;
  e.receipt.emplace();
  e.receipt->time_us = {.median = 100 / speedup, .low = 99 / speedup, .high = 101 / speedup, .samples = 60};
  e.receipt->baselines["eager"] = {.median = 100, .low = 99, .high = 101, .samples = 60};
  e.receipt->speedup["eager"] = {.value = speedup, .low = speedup * 0.98, .high = speedup * 1.02};
  e.receipt->speed_of_light_us = 25;
  e.receipt->fraction_of_speed_of_light = 0.25 * speedup;
  e.variants = e.variants_supported = 1;
  e.diagnosis.bound = Bound::latency;
  e.diagnosis.metrics["time.cold"] = {.value = 100 / speedup, .unit = "us", .evidence = Evidence::silicon};
  e.diagnosis.hot_spots.push_back({.line = 10, .what = "the loop is not vectorised", .evidence = Evidence::statically});
  e.diagnosis.advice.push_back("vectorize: the loop at line 10 is not vectorised");
  return recalled;
}

[[nodiscard]] inline Recalled fake_failure(std::int64_t node, std::string text, std::string rationale) {
  Recalled recalled = fake_node(node, std::move(text), std::move(rationale), 1);
  recalled.evaluation = {};
  recalled.evaluation.verdict = Verdict::compile_error;
  recalled.evaluation.message = "fake.cpp:10:60: error: 'y' was not declared in this scope";
  recalled.evaluation.at = Location{10, 60};
  recalled.log_speedup = 0;
  return recalled;
}

[[nodiscard]] inline SynthesisRequest fake_request(MemoryOperator memory = MemoryOperator::inherit) {
  SynthesisRequest request;
  request.expansion = 9;
  Understood understood =
      fake_understood({.id = "fake/1/1",
                       .name = "relu",
                       .source = "class Model(nn.Module):\n    def forward(self, x):\n        return "
                                 "torch.relu(x)\n",
                       .path = "relu.py"});
  request.problem = std::make_shared<Understood>(std::move(understood));
  request.target = nlohmann::json::parse(R"({
    "name": "cpu", "description": "this machine's own cores", "vector_bytes": 64, "alignment": 64,
    "stack_bytes": 8388608, "advice": ["make at least as many tasks as there are threads"], "threads": 2,
    "machine": {"architecture": "x86_64", "model": "Invented 9000", "cores": 2, "isa": ["avx2", "fma"],
      "caches": [{"level": 1, "kind": "data", "bytes": 32768, "shared_by": 1, "line": 64},
                 {"level": 2, "kind": "unified", "bytes": 1048576, "shared_by": 2, "line": 64}],
      "memory_bytes": 17179869184},
    "calibration": {"levels": [{"level": "memory", "working_set": 536870912, "read": {"best": 20.5, "median": 20},
      "write": {"best": 11, "median": 10}, "copy": {"best": 15, "median": 14}, "stream_write": {"best": 13, "median": 12}}],
      "f32_all": {"best": 160, "median": 150}, "barrier_us": 1.5}})");
  request.memory = memory;
  request.seed = 11;
  if (memory == MemoryOperator::fresh) return request;
  const std::string root = fake_source("out[i] = x[i] > 0 ? x[i] : 0;", "# all by itself\n");
  const std::string parent = fake_source("out[i] = x[i] > 0.0f ? x[i] : 0.0f;");
  request.ancestors = {fake_node(2, parent, "constants of type float keep the loop in float", 1.5),
                       fake_node(0, root, "the reference's own operators, called one by one", 1)};
  if (memory == MemoryOperator::siblings) {
    request.siblings = {fake_failure(4, fake_source("out[i] = y;"), "a value that is not there"),
                        fake_node(3, fake_source("out[i] = fmaxf(x[i], 0.0f);"), "the library's maximum", 1.4)};
  } else if (memory == MemoryOperator::combine) {
    request.siblings = {fake_node(5, fake_source("out[i] = max1(x[i]);"), "another way to take the maximum", 1.6)};
  }
  return request;
}

[[nodiscard]] inline PromptTexts fake_texts() {
  return {.language = "cpp",
          .contract = "# Candidates\n(the contract of the language stands here)\n",
          .example_problem = "class Model: pass\n",
          .example_candidate = fake_source("out[i] = x[i];")};
}

}  // namespace kerf
