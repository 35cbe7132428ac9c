#include "synthesize/builtin/passes.h"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "synthesize/builtin_fixture.h"

namespace kerf {
namespace {

using namespace testing_builtin;

TEST(Passes, JoinWhatCanBeCorrected) {
  const Case c = parse("input x f32 64 1000\ns = aten.softmax.int x 1 -> f32 64 1000\noutput s");
  const auto graph = generalise(c.problem, GraphForm::exported);
  const Region region = *lower(*graph, {0});
  const std::vector<Joint> found = joints(region);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].kind, Joint::Kind::exponentials);
  EXPECT_EQ(region.code[static_cast<std::size_t>(found[0].value)].name, "x");
  EXPECT_EQ(parts(region, false).size(), 2U);
  EXPECT_EQ(parts(region, true).size(), 1U);
}

TEST(Passes, DoNotJoinDeviationsFromAnythingElse) {
  // squares of x - 2 mean(x), and exponentials of x - mean(x)
  for (const char* const text :
       {"input x f32 8 64\nm = aten.mean.dim x [1] true -> f32 8 1\nt = aten.mul.Tensor m 2.0 -> f32 8 1\n"
        "d = aten.sub.Tensor x t -> f32 8 64\nq = aten.pow.Tensor_Scalar d 2 -> f32 8 64\n"
        "s = aten.sum.dim_IntList q [1] true -> f32 8 1\noutput s",
        "input x f32 8 64\nm = aten.mean.dim x [1] true -> f32 8 1\nd = aten.sub.Tensor x m -> f32 8 64\n"
        "e = aten.exp.default d -> f32 8 64\ns = aten.sum.dim_IntList e [1] true -> f32 8 1\noutput s"}) {
    const Case c = parse(text);
    const auto graph = generalise(c.problem, GraphForm::exported);
    const Recipe recipe = *make_recipe(*graph, GraphForm::exported, partition(*graph, Fusing::full), CacheFacts{});
    ASSERT_EQ(recipe.partition.groups.size(), 1U);
    EXPECT_TRUE(joints(*lower(*graph, recipe.partition.groups[0])).empty());
    Schedule wished = recipe.schedules[0];
    wished.joint = true;
    EXPECT_NE(illegal(*lower(*graph, recipe.partition.groups[0]), wished), "");
  }
}

TEST(Passes, KeepWhatCostsMostToComputeAgain) {
  const Case c = parse(
      "input x f32 64 1000\nd = aten.div.Tensor x 0.7 -> f32 64 1000\n"
      "s = aten.softmax.int d 1 -> f32 64 1000\noutput s");
  const auto graph = generalise(c.problem, GraphForm::exported);
  const Region region = *lower(*graph, {0, 1});
  Schedule schedule = default_schedule(region, CacheFacts{});
  schedule.joint = false;
  const auto kept = kept_value(region, schedule);
  ASSERT_TRUE(kept);
  EXPECT_EQ(region.code[static_cast<std::size_t>(*kept)].op, Op::exp);
  EXPECT_EQ(later_pass(region, schedule), std::optional<std::size_t>(1));
}

TEST(Passes, KeepNothingWhereLaterPassesComputeLittle) {
  const Case c = parse("input x f32 64 1000\nl = aten.layer_norm.default x [1000] -> f32 64 1000\noutput l");
  const auto graph = generalise(c.problem, GraphForm::exported);
  EXPECT_FALSE(kept_value(*lower(*graph, {0}), Schedule{}));
}

}  // namespace
}  // namespace kerf
