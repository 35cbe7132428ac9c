// What the conformance suite of stores shares: what is put into them, and the fixture of all implementations.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "store/store.h"

namespace kerf::testing_store {

inline NewSession a_session(const std::string& problem = "kernelbench/1/19") {
  NewSession session;
  session.task.problem = {.id = problem,
                          .name = "ReLU",
                          .source = "class Model: pass\n",
                          .path = "x.py",
                          .sizes = {{"batch_size", Value{std::int64_t{16}}}, {"dim", Value{2.5}}}};
  session.options = {{"policy", "mcts"}, {"seed", 7}};
  session.versions = {{"kerf", "0.1"}};
  return session;
}

inline Evaluation measured(double us) {
  Evaluation evaluation;
  evaluation.id = "e";
  evaluation.problem = "kernelbench/1/19";
  evaluation.verdict = Verdict::measured;
  evaluation.receipt.emplace();
  evaluation.receipt->time_us = {us, us - 1, us + 1, 200};
  return evaluation;
}

inline Expansion an_expansion(ExpansionId id, std::vector<NodeIndex> parents) {
  return {.id = id,
          .task = Task::expand,
          .memory = MemoryOperator::inherit,
          .parents = std::move(parents),
          .seed = 11,
          .reason = "because"};
}

inline NewNode a_node(NodeIndex index, double us = 100) {
  NewNode node;
  node.expansion = an_expansion(static_cast<ExpansionId>(index) + 1,
                                index == 0 ? std::vector<NodeIndex>{} : std::vector<NodeIndex>{0});
  node.told = {
      .id = node.expansion.id,
      .outcome = {.kind = Outcome::Kind::measured, .reward = {0.1 + 0.2, 0.01}, .fraction_of_speed_of_light = 0.5},
      .node = index};
  node.candidate = {.text = "// candidate " + std::to_string(index), .language = Language::cpp, .name = "fused.cpp"};
  node.recipe = {{"moves", {1, 2}}};
  node.move = "fuse";
  node.rationale = "fused two loops";
  node.prompt = "please";
  node.usage = {.tokens_in = 5, .tokens_out = 7, .usd = 0.25, .seconds = 1.5};
  node.evaluation = measured(us);
  return node;
}

struct StoreKind {
  const char* name;
  std::unique_ptr<Store> (*make)(const Clock&);
};

class AnyStore : public testing::TestWithParam<StoreKind> {
 protected:
  FakeClock clock;
  std::unique_ptr<Store> store = GetParam().make(clock);

  std::unique_ptr<SessionWriter> create(const NewSession& session = a_session()) {
    auto writer = store->create(session);
    EXPECT_TRUE(writer) << writer.error().message;
    return *std::move(writer);
  }
};

}  // namespace kerf::testing_store
