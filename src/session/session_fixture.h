// What tests of sessions share: a problem, and a process of kerf with a made-up evaluator and synthesizer.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "evaluate/fake_evaluator.h"
#include "session/session.h"
#include "store/fake_store.h"
#include "synthesize/fake_synthesizer.h"

namespace kerf::testing_session {

inline std::shared_ptr<const Understood> problem() {
  auto understood = std::make_shared<Understood>();
  understood->problem.id = "test/1";
  understood->problem.source = "class Model: pass";
  understood->admission.admitted = true;
  understood->workloads.resize(1);
  return understood;
}

inline std::vector<std::string> texts(int n) {
  std::vector<std::string> all;
  for (int i = 0; i < n; ++i) all.push_back(fmt::format("candidate {}", i));
  return all;
}

struct SessionView final : ProgressView {
  std::vector<NodeIndex> judged_nodes;
  std::vector<std::string> notes;
  std::function<void()> on_judged;
  void show(const Snapshot&) override {}
  void judged(const Snapshot&, const SessionNode& node) override {
    judged_nodes.push_back(node.index);
    if (on_judged) on_judged();
  }
  void note(const std::string& line) override { notes.push_back(line); }
};

// Everything that one process of kerf holds; the store outlives it, as a file would.
struct World {
  explicit World(Store& s, std::vector<std::string> candidates = texts(200), FakeEvaluatorOptions options = {})
      : store(s), evaluator(*loop, std::move(options)), synthesizer(std::move(candidates)) {}

  SessionParts parts() {
    return {.loop = *loop,
            .clock = clock,
            .evaluator = evaluator,
            .synthesizer = synthesizer,
            .store = store,
            .view = view,
            .target_facts = {{"name", "fake"}},
            .versions = {{"kerf", "test"}},
            .identity = [](const Understood&) -> Result<Candidate> {
              return Candidate{.text = "speedup 1 identity", .language = Language::cpp, .name = "identity"};
            }};
  }
  SessionResult run(Session& session) {
    SessionResult result;
    int calls = 0;
    session.run([&](const SessionResult& r) {
      result = r;
      ++calls;
    });
    loop->run();
    EXPECT_EQ(calls, 1) << "the end is told once";
    return result;
  }

  Store& store;
  FakeClock clock;
  std::unique_ptr<Loop> loop = make_manual_loop();
  FakeEvaluator evaluator;
  FakeSynthesizer synthesizer;
  SessionView view;
};

inline SessionOptions options(const std::string& budget, int jobs = 1) {
  SessionOptions o;
  o.budget = budget;
  o.jobs = jobs;
  o.search.seed = 7;
  return o;
}

struct SessionTest : testing::Test {
  FakeClock clock;
  std::unique_ptr<Store> store = make_fake_store(clock);
};

inline FakeEvaluatorOptions scripted() {
  FakeEvaluatorOptions o;
  o.landscape = scripted_landscape();
  return o;
}

inline std::string tree_of(const SessionNodes& nodes) {
  std::string text;
  for (const SessionNode& n : nodes) {
    text += fmt::format("{}<{} {} {} {:.6f} x{}\n", n.index, n.parent().value_or(-1), n.proposal.candidate.text,
                        to_string(n.evaluation.verdict), n.outcome.reward.mean, n.remeasured.size());
  }
  return text;
}

}  // namespace kerf::testing_session
