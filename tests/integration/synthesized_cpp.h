// What the built-in synthesizer writes in C++ is judged with the real compiler and PyTorch: its first candidate for a
// graph, and the moves that matter most from there.
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "synthesize/builtin/builtin.h"
#include "this_cpu.h"

namespace kerf {

struct CppGraph {
  const char* name;
  const char* forward;  // of x, and y where there are two inputs
  std::vector<const char*> inputs;
  const char* layers = "pass";          // in __init__
  const char* sketch = "";              // what the first candidate must contain
  std::vector<std::string> moves = {};  // that are made from it, each judged
};

inline std::string source_of(const CppGraph& graph) {
  const bool two = graph.inputs.size() == 2;
  return fmt::format(R"py(
import torch
import torch.nn as nn

rows = 96
columns = 1037

class Model(nn.Module):
    def __init__(self):
        super().__init__()
        {}

    def forward(self, x{}):
        return {}

def get_inputs():
    return [{}]

def get_init_inputs():
    return []
)py",
                     graph.layers, two ? ", y" : "", graph.forward, fmt::join(graph.inputs, ", "));
}

class SynthesizedCpp : public testing::TestWithParam<CppGraph> {
 protected:
  static void SetUpTestSuite() { world = std::make_unique<ThisCpu>(hardly_timed()); }
  static void TearDownTestSuite() { world.reset(); }
  void SetUp() override {
    if (!world->why.empty()) GTEST_SKIP() << world->why;
  }

  static void judge(const Proposal& proposal, const std::shared_ptr<const Understood>& problem) {
    const Result<Evaluation> result = world->evaluate(proposal.candidate, problem);
    ASSERT_TRUE(result) << result.error().message;
    EXPECT_EQ(result->verdict, Verdict::measured)
        << proposal.move << ", " << proposal.rationale << ": " << result->message.value_or("") << "\n"
        << proposal.candidate.text;
  }

  // The first candidate of the graph, and one for each of its moves, are right.
  static void write_and_judge(const CppGraph& graph) {
    const auto problem = world->admit(
        {.id = std::string("test/") + graph.name, .name = graph.name, .source = source_of(graph), .path = "test.py"});
    ASSERT_TRUE(problem);
    const auto builtin = make_builtin_synthesizer();
    SynthesisRequest request;
    request.problem = problem;
    std::vector<std::string> wanted = graph.moves;
    for (std::uint64_t seed = 0; seed < 200 && (seed == 0 || !wanted.empty()); ++seed) {
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
        EXPECT_THAT(proposal->candidate.text, testing::HasSubstr(graph.sketch));
        request.ancestors = {Recalled{.node = 1,
                                      .candidate = proposal->candidate,
                                      .evaluation = {},
                                      .recipe = proposal->recipe,
                                      .rationale = proposal->rationale}};
      } else if (std::erase(wanted, proposal->move) == 0) {
        continue;
      }
      judge(*proposal, problem);
    }
    EXPECT_THAT(wanted, testing::IsEmpty()) << "moves that were not proposed";
  }

  static inline std::unique_ptr<ThisCpu> world;
};

}  // namespace kerf
