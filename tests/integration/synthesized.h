// How what the built-in synthesizer writes for a GPU that need not be there is judged.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "emulated_gpu.h"
#include "judged_graph.h"
#include "synthesize/builtin/builtin.h"

namespace kerf {

class Synthesized : public testing::TestWithParam<JudgedGraph> {
 protected:
  static void TearDownTestSuite() {
    delete world;
    world = nullptr;
  }
  void SetUp() override {
    if (!world->why.empty()) GTEST_SKIP() << world->why;
  }

  static void judge(const Proposal& proposal, const std::shared_ptr<const Understood>& problem) {
    const Result<Evaluation> result = world->evaluate(proposal.candidate, problem);
    ASSERT_TRUE(result) << result.error().message;
    EXPECT_EQ(result->verdict, Verdict::measured)
        << proposal.move << ", " << proposal.rationale << ": " << result->message.value_or("") << "\n"
        << proposal.candidate.text;
    for (const Check& check : result->checks) {
      if (check.name != "inspect") continue;
      for (const auto& launch : check.detail["launches"])
        EXPECT_EQ(launch.value("local_bytes", 0), 0) << "spills: " << launch.dump() << "\n" << proposal.candidate.text;
    }
  }

  // The first candidate of the graph, and one for each of `moves`, are right. `mark`: stands in every source.
  // `variants`: hidden shapes.
  static void write_and_judge(const JudgedGraph& graph, Language language, const std::vector<const char*>& moves,
                              const char* mark, int variants) {
    const auto problem = world->admit(
        {.id = std::string("test/") + graph.name, .name = graph.name, .source = source_of(graph), .path = "test.py"},
        variants);
    ASSERT_TRUE(problem);
    const auto builtin = make_builtin_synthesizer();
    SynthesisRequest request;
    request.problem = problem;
    request.target = world->facts;
    request.language = language;
    std::vector<std::string> wanted(moves.begin(), moves.end());
    for (std::uint64_t seed = 0; seed < 300 && (seed == 0 || !wanted.empty()); ++seed) {
      request.seed = seed;
      request.memory = seed == 0 ? MemoryOperator::fresh : MemoryOperator::inherit;
      std::optional<Proposal> proposal;
      builtin->propose(request, [&](Result<std::optional<Proposal>> reply) {
        ASSERT_TRUE(reply) << reply.error().message;
        proposal = std::move(*reply);
      });
      if (!proposal) break;
      request.tried.push_back(proposal->candidate.id());
      if (seed == 0) {
        for (int other = 0; other < 8 && proposal->candidate.text.find(graph.text) == std::string::npos; ++other) {
          std::optional<Proposal> next;
          builtin->propose(request, [&](Result<std::optional<Proposal>> reply) {
            if (reply) next = std::move(*reply);
          });
          if (!next) break;
          proposal = std::move(next);
          request.tried.push_back(proposal->candidate.id());
        }
        EXPECT_THAT(proposal->candidate.text, testing::HasSubstr(graph.text));
        EXPECT_EQ(proposal->candidate.language, language);
        EXPECT_THAT(proposal->candidate.text, testing::HasSubstr(mark));
        Recalled parent{.node = 1, .candidate = proposal->candidate, .evaluation = {}, .recipe = proposal->recipe};
        for (auto& group : parent.recipe["groups"])
          group["schedule"].merge_patch(nlohmann::json::parse(graph.schedule));
        request.ancestors = {std::move(parent)};
      } else if (std::erase(wanted, proposal->move) == 0) {
        continue;
      }
      judge(*proposal, problem);
    }
    EXPECT_THAT(wanted, testing::IsEmpty()) << "moves that were not proposed";
  }

  static inline EmulatedGpu* world = nullptr;
};

}  // namespace kerf
