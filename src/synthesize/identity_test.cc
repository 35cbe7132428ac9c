#include "synthesize/identity.h"

#include <gmock/gmock.h>

#include <cmath>
#include <fstream>
#include <string>

#include "synthesize/builtin_fixture.h"

namespace kerf {
namespace {

using namespace testing_builtin;

TEST(Identity, CallsWhatWasExportedAndWritesOut) {
  std::ifstream file(std::string(KERF_CASES) + "/synthesize/conv_epilogue.txt");
  const Case c = parse(file);
  const Result<Candidate> candidate = identity_plan(c.problem);
  ASSERT_TRUE(candidate);
  EXPECT_THAT(candidate->text,
              testing::HasSubstr("call = \"aten.add.Tensor\"\nargs = [\"relu\", \"bias\"]\nout = \"out\""));
  EXPECT_EQ(fault(*candidate, c.problem), "");
}

TEST(Identity, CopiesAnOutputThatIsAnInput) {
  const Case c = parse("input x f32 4\nr = aten.relu.default x -> f32 4\noutput r x");
  EXPECT_THAT(identity_plan(c.problem)->text,
              testing::HasSubstr("call = \"aten.clone.default\"\nargs = [\"x\"]\nout = \"out1\""));
}

TEST(Identity, SaysNumbersWithScalarOverloads) {
  const Case c =
      parse("input x f32 4\na = aten.add.Tensor x 1e-05 -> f32 4\ns = aten.sub.Tensor 1 a -> f32 4\noutput s");
  const std::string text = identity_plan(c.problem)->text;
  EXPECT_THAT(text, testing::HasSubstr("call = \"aten.add.Scalar\"\nargs = [\"x\", 1e-05]"));
  EXPECT_THAT(text, testing::HasSubstr("call = \"aten.rsub.Scalar\"\nargs = [\"a\", 1]"));
}

TEST(Identity, GivesTheStatisticsOfTrainingModeNothingToUpdate) {
  const Case c = parse(R"(input x f32 4 8 5 5
parameter w f32 8
parameter b f32 8
parameter rm f32 8
parameter rv f32 8
n = aten.batch_norm.default x w b rm rv true 0.1 1e-05 false -> f32 4 8 5 5
output n)");
  EXPECT_THAT(identity_plan(c.problem)->text,
              testing::HasSubstr("args = [\"x\", \"w\", \"b\", \"none\", \"none\", true, 0.1, 1e-05, false]"));
}

TEST(Identity, KeepsTheMemoryFormatThatAViewWillNeed) {
  Case c = parse("input x f32 4 8\nt = aten.t.default x -> f32 8 4\nk = aten.clone.default t -> f32 8 4\noutput k");
  c.problem.workloads[0].exported.nodes[1].kwargs = {{"memory_format", {Value{std::string("contiguous_format")}}}};
  const Result<Candidate> candidate = identity_plan(c.problem);
  EXPECT_THAT(candidate->text, testing::HasSubstr("kwargs = { memory_format = \"contiguous_format\" }"));
  EXPECT_EQ(fault(*candidate, c.problem), "");
}

TEST(Identity, GeneralisesWhatDiffersBetweenVariants) {
  Case a = parse(
      "input x f32 6 8\nv = aten.view.default x [48] -> f32 48\ne = aten.leaky_relu.default v 0.2 -> f32 48\noutput e");
  const Case b = parse(
      "input x f32 5 8\nv = aten.view.default x [40] -> f32 40\ne = aten.leaky_relu.default v 0.3 -> f32 40\noutput e");
  a.problem.workloads.push_back(b.problem.workloads[0]);
  a.problem.workloads[0].init = {{"slope", Value{0.2}}};
  a.problem.workloads[1].init = {{"slope", Value{0.3}}};
  const Result<Candidate> candidate = identity_plan(a.problem);
  ASSERT_TRUE(candidate);
  EXPECT_THAT(candidate->text, testing::HasSubstr("init.slope"));
  EXPECT_THAT(candidate->text, testing::Not(testing::HasSubstr("supports")));
  EXPECT_EQ(fault(*candidate, a.problem), "");
}

TEST(Identity, TakesNaNForOneConstantInAllVariants) {
  Case a = parse("input x f32 6 8\ne = aten.leaky_relu.default x 0.2 -> f32 6 8\noutput e");
  const Case b = parse("input x f32 5 8\ne = aten.leaky_relu.default x 0.2 -> f32 5 8\noutput e");
  a.problem.workloads.push_back(b.problem.workloads[0]);
  for (Workload& w : a.problem.workloads) w.exported.nodes[0].args[1] = {Value{std::nan("")}};
  const auto graph = generalise(a.problem, GraphForm::exported);
  ASSERT_TRUE(graph) << graph.error().message;
  EXPECT_EQ(graph->workloads.size(), 2U);
}

TEST(Identity, PinsDimensionsThatAreOneInAllVariants) {
  Case a = parse("input x f32 1 8\ninput y f32 1 6\ne = aten.relu.default x -> f32 1 8\noutput e");
  const Case b = parse("input x f32 1 5\ninput y f32 2 6\ne = aten.relu.default x -> f32 1 5\noutput e");
  a.problem.workloads.push_back(b.problem.workloads[0]);
  const auto graph = generalise(a.problem, GraphForm::exported);
  ASSERT_TRUE(graph) << graph.error().message;
  EXPECT_EQ(graph->workloads.size(), 2U);
  EXPECT_EQ(graph->supports, "x.ndim == 2 and x.shape[0] == 1");
}

TEST(Identity, PinsWhatNoExpressionGives) {
  Case a = parse("input x f32 6 8\ne = aten.leaky_relu.default x 0.2 -> f32 6 8\noutput e");
  const Case b = parse("input x f32 5 8\ne = aten.leaky_relu.default x 0.37 -> f32 5 8\noutput e");
  a.problem.workloads.push_back(b.problem.workloads[0]);
  const Result<Candidate> candidate = identity_plan(a.problem);
  ASSERT_TRUE(candidate);
  EXPECT_THAT(candidate->text, testing::HasSubstr("x.shape[0] == 6"));
}

}  // namespace
}  // namespace kerf
