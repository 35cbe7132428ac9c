#include "synthesize/builtin/compose.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "candidate/expression.h"
#include "candidate/plan.h"
#include "synthesize/builtin/moves.h"
#include "synthesize/builtin_fixture.h"

namespace kerf {
namespace {

using namespace testing_builtin;

TEST(Compose, WhatManyKernelsRelyOnIsSaidByTheShapesOfInputs) {
  // Each product relies on sizes of its own weight: written out, that is longer than an expression may be.
  std::string text = "input x f32 256 300\n", outputs = "output";
  for (int n = 0; n < 24; ++n) text += fmt::format("parameter a_weight_of_layer_{} f32 300 {}\n", n, 301 + n);
  for (int n = 0; n < 24; ++n) {
    text += fmt::format("p{0} = aten.mm.default x a_weight_of_layer_{0} -> f32 256 {1}\n", n, 301 + n);
    outputs += fmt::format(" p{}", n);
  }
  const Understood problem = parse(text + outputs).problem;
  const auto graph = generalise(problem, GraphForm::exported);
  ASSERT_TRUE(graph);
  CacheFacts machine;
  machine.language = Language::triton;
  const Recipe recipe =
      *make_recipe(*graph, GraphForm::exported, partition(*graph, Fusing::full, Products::own), machine);
  const Result<Candidate> candidate = write_candidate(problem, *graph, recipe, {});
  ASSERT_TRUE(candidate) << candidate.error().message;
  const Result<Source> source = read_source(*candidate);
  ASSERT_TRUE(source) << source.error().message;
  const Result<bool> can = supports(*source, problem.workloads[0]);
  ASSERT_TRUE(can) << can.error().message;
  EXPECT_TRUE(*can);
  Workload wider = problem.workloads[0];
  wider.tensors.at(0).spec.shape.at(0) = 257;
  EXPECT_FALSE(*supports(*source, wider)) << "others are left to the model itself";
}

TEST(Compose, SaysWhatAKernelReliesOn) {
  // The row that is reduced is an intermediate result's: shapes of inputs are pinned instead.
  const Case c = parse(R"(input x f32 8 32
input w f32 32 32
m = aten.mm.default x w -> f32 8 32
s = aten.softmax.int m 1 -> f32 8 32
output s)");
  const auto graph = generalise(c.problem, GraphForm::exported);
  const Recipe recipe = *make_recipe(*graph, GraphForm::exported, partition(*graph, Fusing::full), gpu_facts());
  const std::string text = write_candidate(c.problem, *graph, recipe, {})->text;
  EXPECT_THAT(text, testing::HasSubstr("x.shape[0] == 8"));
  EXPECT_THAT(text, testing::Not(testing::HasSubstr("supports = \"(m.")));
}

TEST(Compose, AVariantThatLacksAParameterIsNotSupported) {
  Understood problem =
      parse("input x f32 256 300\nparameter w f32 300 301\np = aten.mm.default x w -> f32 256 301\noutput p\n").problem;
  problem.workloads.push_back(
      parse("input x f32 20 300\np = aten.relu.default x -> f32 20 300\noutput p\n").problem.workloads[0]);
  const auto graph = generalise(problem, GraphForm::exported);
  ASSERT_TRUE(graph);
  CacheFacts machine;
  machine.language = Language::triton;
  const Recipe recipe =
      *make_recipe(*graph, GraphForm::exported, partition(*graph, Fusing::full, Products::own), machine);
  const Result<Candidate> candidate = write_candidate(problem, *graph, recipe, {});
  ASSERT_TRUE(candidate) << candidate.error().message;
  const Result<Source> source = read_source(*candidate);
  ASSERT_TRUE(source) << source.error().message;
  EXPECT_TRUE(*supports(*source, problem.workloads[0]));
  const Result<bool> can = supports(*source, problem.workloads[1]);
  ASSERT_TRUE(can) << can.error().message;
  EXPECT_FALSE(*can);
}

}  // namespace
}  // namespace kerf
