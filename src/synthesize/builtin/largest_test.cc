// The largest of rows and of all: what they are, where, and what is left to PyTorch. NaN is beyond every number.
#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "synthesize/builtin_fixture.h"

namespace kerf {
namespace {

using namespace testing_builtin;
using testing::ElementsAre;
using testing::IsNan;

constexpr double infinity = std::numeric_limits<double>::infinity();
const double nan = std::nan("");

// In the order in which they are made.
std::vector<ReduceOp> reductions_of(const Region& region) {
  std::vector<ReduceOp> made;
  for (const Instruction& each : region.code)
    if (each.form == Instruction::Form::reduce) made.push_back(each.reduce);
  return made;
}

TEST(Largest, AreFoundOneAfterTheOther) {
  EXPECT_THAT(result_of("input x f32 3 4\ny = aten.topk.default x 3 -> f32 3 3",
                        {{"x", {1, 5, 5, 2, -infinity, -infinity, -infinity, -infinity, 0, nan, infinity, nan}}}),
              ElementsAre(5, 5, 2, -infinity, -infinity, -infinity, IsNan(), IsNan(), infinity));
}

TEST(Largest, AreAlongAnyDimension) {
  EXPECT_THAT(result_of("input x f32 2 3 2\ny = aten.topk.default x 2 1 -> f32 2 2 2",
                        {{"x", {1, 6, 2, 5, 3, 4, 9, 0, 7, 0, 8, 1}}}),
              ElementsAre(3, 6, 2, 5, 9, 1, 8, 0));
}

TEST(Largest, AreEachStoredWhereTheyBelong) {
  const Region region = *region_from("input x f32 2 4\ny = aten.topk.default x 2 -> f32 2 2");
  // Where the first one is has to be known for the second, where that is for nobody.
  EXPECT_THAT(reductions_of(region), ElementsAre(ReduceOp::max, ReduceOp::min, ReduceOp::max));
  EXPECT_EQ(region.stores.size(), 2U);
}

TEST(Largest, AreOfARowThatStaysInACache) {
  EXPECT_TRUE(region_from("input x f32 2 16384\ny = aten.topk.default x 8 -> f32 2 8"));
  EXPECT_EQ(refusal_of("input x f32 2 16385\ny = aten.topk.default x 8 -> f32 2 8"), "the largest of many");
  EXPECT_EQ(refusal_of("input x f32 2 40\ny = aten.topk.default x 9 -> f32 2 9"), "the largest of many");
  EXPECT_EQ(refusal_of("input x f32 2 1\ny = aten.topk.default x 1 -> f32 2 1"), "the largest of many");
}

TEST(Largest, AreNotTheSmallest) {
  EXPECT_EQ(refusal_of("input x f32 2 4\ny = aten.topk.default x 2 -1 false -> f32 2 2"),
            "the smallest, among which NaN is the last");
}

TEST(Largest, AreOfWhatReadsTheSameTwice) {
  const char* why = "the largest of what is not in memory";
  EXPECT_EQ(refusal_of("input x f32 2 4\nz = aten.neg.default x -> f32 2 4\ny = aten.topk.default z 2 -> f32 2 2"),
            why);
  EXPECT_EQ(refusal_of("input x f32 2 4\nz = aten.neg.default x -> f32 2 4\ny = aten.argmax.default z -> i64"), why);
}

TEST(Largest, AreWithoutTheirPlaces) {
  Case c = parse("input x f32 2 4\ny = aten.topk.default x 2 -> f32 2 2\noutput y\n");
  Workload& workload = c.problem.workloads.at(0);
  workload.exported.nodes.at(0).results.push_back(spec_of(Dtype::i64, {2, 2}));
  workload.exported.outputs.push_back({"y", 1});
  workload.outputs.push_back(spec_of(Dtype::i64, {2, 2}));
  const auto graph = generalise(c.problem, GraphForm::exported);
  ASSERT_TRUE(graph) << graph.error().message;
  const Result<Region> region = lower(*graph, {0});
  ASSERT_FALSE(region);
  EXPECT_EQ(region.error().message, "where the largest are, which is open where some are equal");
}

TEST(LargestOfAll, IsTheFirstAlongMemory) {
  const std::string text = "input x f32 2 3\ny = aten.argmax.default x -> i64";
  EXPECT_THAT(result_of(text, {{"x", {1, 5, 5, 2, 5, 0}}}), ElementsAre(1));
  EXPECT_THAT(result_of(text, {{"x", {1, 9, 5, 2, nan, nan}}}), ElementsAre(4));
  EXPECT_THAT(result_of(text, {{"x", std::vector<double>(6, -infinity)}}), ElementsAre(0));
}

TEST(LargestOfAll, OrTheSmallestThatIs) {
  const std::string text = "input x f32 2 3\ny = aten.argmin.default x keepdim=true -> i64 1 1";
  EXPECT_THAT(result_of(text, {{"x", {1, 9, 5, 2, 0, 0}}}), ElementsAre(4));
  EXPECT_THAT(result_of(text, {{"x", {1, 9, nan, 2, 0, nan}}}), ElementsAre(2));
}

TEST(LargestOfAll, HasAPlaceThatAFloatHolds) {
  EXPECT_TRUE(region_from("input x f32 4096 4095\ny = aten.argmax.default x -> i64"));
  EXPECT_EQ(refusal_of("input x f32 4096 4096\ny = aten.argmax.default x -> i64"),
            "integers that floats do not tell apart");
}

}  // namespace
}  // namespace kerf
