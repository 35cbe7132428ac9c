#include "synthesize/builtin/compose.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

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

// Cells of a recurrent network: parts of two products each, whose names say more than that they are alike.
TEST(Compose, AKernelThatIsLaunchedAgainIsGivenItsConstantsByTheNamesThatItHas) {
  std::string text = "input x f32 1 64\ninput y f32 1 64\nparameter w f32 64 96\nparameter v f32 64 96\n";
  for (const auto& [in, first, second] : {std::array{"x", "linear", "linear_1"}, {"y", "linear_2", "linear_3"}}) {
    text += fmt::format(
        "{1} = aten.mm.default {0} w -> f32 1 96\n{2} = aten.mm.default {0} v -> f32 1 96\n"
        "a{0} = aten.slice.Tensor {1} 1 -64 -32 -> f32 1 32\nb{0} = aten.slice.Tensor {1} 1 -32 9223372036854775807 -> "
        "f32 1 32\n"
        "c{0} = aten.slice.Tensor {2} 1 -64 -32 -> f32 1 32\nd{0} = aten.slice.Tensor {2} 1 -32 9223372036854775807 -> "
        "f32 1 32\n"
        "p{0} = aten.mul.Tensor a{0} c{0} -> f32 1 32\nq{0} = aten.mul.Tensor b{0} d{0} -> f32 1 32\n"
        "h{0} = aten.add.Tensor p{0} q{0} -> f32 1 32\n",
        in, first, second);
  }
  const Case c = parse(text + "output hx hy\n");
  const auto graph = generalise(c.problem, GraphForm::exported);
  const Recipe recipe =
      *make_recipe(*graph, GraphForm::exported, partition(*graph, Fusing::full), gpu_facts(Language::triton));
  const Result<Candidate> candidate = write_candidate(c.problem, *graph, recipe, {});
  ASSERT_TRUE(candidate) << candidate.error().message;
  const Result<Source> source = read_source(*candidate);
  ASSERT_TRUE(source) << source.error().message;
  std::map<std::string, std::vector<std::set<std::string>>> constants;  // of each kernel's launches
  for (const Step& step : source->plan.steps)
    for (const PlanEntry& key : step.keys) {
      if (key.first.text != "constexpr") continue;
      auto& names = constants[step.target.text].emplace_back();
      for (const PlanEntry& constant : std::get<PlanArgumentTable>(key.second.is)) names.insert(constant.first.text);
    }
  std::size_t most = 0;
  for (const auto& [kernel, launches] : constants) {
    for (const std::set<std::string>& names : launches) EXPECT_EQ(names, launches.front()) << kernel;
    if (launches.size() > 1) most = std::max(most, launches.front().size());
  }
  EXPECT_GE(most, 4U) << "where parts begin\n" << candidate->text;
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
