// How reads at an index are lowered: what is computed at another place, and what is no single index. What they give is
// compared in places_test.cc.
#include <gmock/gmock.h>

#include <algorithm>
#include <string>
#include <vector>

#include "synthesize/builtin_fixture.h"

namespace kerf {
namespace {

using namespace testing_builtin;
using testing::ElementsAre;

// How many indices each read of the tensor goes by.
std::vector<std::size_t> picks_of(const Region& region, const std::string& tensor) {
  std::vector<std::size_t> made;
  for (const Instruction& each : region.code)
    if (each.form == Instruction::Form::load && each.access.tensor.name == tensor)
      made.push_back(each.access.picks.size());
  return made;
}

TEST(Picks, OfWhatIsComputedComputeItThere) {
  const std::string text =
      "input x f32 2 3\ninput z f32 3\ninput i i64 2 2\na = aten.mul.Tensor x z -> f32 2 3\n"
      "y = aten.gather.default a 1 i -> f32 2 2";
  const Region region = *region_from(text);
  EXPECT_THAT(picks_of(region, "x"), ElementsAre(1));
  EXPECT_THAT(picks_of(region, "z"), ElementsAre(1));
  EXPECT_THAT(picks_of(region, "i"), ElementsAre(0));
  EXPECT_THAT(result_of(text, {{"x", {1, 2, 3, 4, 5, 6}}, {"z", {10, 20, 30}}, {"i", {2, 0, 1, 1}}}),
              ElementsAre(90, 10, 100, 100));
}

TEST(Picks, LeaveWhatIsTheSameAlongTheDimension) {
  const Region region = *region_from(
      "input x f32 2 3\ninput z f32 2 1\ninput i i64 4\na = aten.mul.Tensor x z -> f32 2 3\n"
      "y = aten.index_select.default a 1 i -> f32 2 4");
  EXPECT_THAT(picks_of(region, "x"), ElementsAre(1));
  EXPECT_THAT(picks_of(region, "z"), ElementsAre(0));
}

TEST(Picks, OfAValueThatIsUsedTwiceAreOne) {
  const Region region = *region_from(
      "input x f32 6\ninput i i64 4\ne = aten.exp.default x -> f32 6\nn = aten.neg.default e -> f32 6\n"
      "a = aten.mul.Tensor e n -> f32 6\ny = aten.index_select.default a 0 i -> f32 4");
  EXPECT_THAT(picks_of(region, "x"), ElementsAre(1));
  EXPECT_EQ(std::ranges::count(region.code, Op::exp, &Instruction::op), 1);
}

TEST(Picks, OfPositionsAreTheIndex) {
  const std::string text =
      "input x f32 4\ninput i i64 3\np = aten.arange.default 4 -> i64 4\na = aten.mul.Tensor x p -> f32 4\n"
      "y = aten.index_select.default a 0 i -> f32 3";
  EXPECT_THAT(result_of(text, {{"x", {5, 6, 7, 8}}, {"i", {3, 0, 2}}}), ElementsAre(24, 0, 14));
}

TEST(Picks, OfDimensionsThatAreApartComeFirst) {
  // As PyTorch has it: dimension 1 stays behind, for the indices are no neighbours.
  EXPECT_THAT(result_of("input x f32 2 2 3\ninput i i64 3\ninput j i64 3\n"
                        "y = aten.index.Tensor x [i,none,j] -> f32 3 2",
                        {{"x", {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}}, {"i", {0, 1, 1}}, {"j", {2, 0, 1}}}),
              ElementsAre(2, 5, 6, 9, 7, 10));
}

TEST(Picks, NeedAnIndexThatIsNoMask) {
  EXPECT_EQ(refusal_of("input x f32 4\ninput m bool 4\ny = aten.gather.default x 0 m -> f32 4"),
            "a gather needs an index");
}

TEST(Picks, NeedAnIndexOfEqualRankWhereTheyAreElements) {
  EXPECT_EQ(refusal_of("input x f32 4 3\ninput i i64 3\ny = aten.gather.default x 0 i -> f32 3"),
            "gather needs an index of equal rank");
}

TEST(Picks, AreAlongAWholeDimensionOfTheTensor) {
  EXPECT_EQ(refusal_of("input x f32 6\ninput i i64 4\nv = aten.view.default x [2,3] -> f32 2 3\n"
                       "y = aten.index_select.default v 0 i -> f32 4 3"),
            "a gather along a part of a dimension");
  EXPECT_EQ(refusal_of("input x f32 2 3\ninput i i64 4\nv = aten.view.default x [6] -> f32 6\n"
                       "y = aten.index_select.default v 0 i -> f32 4"),
            "a gather along more than one axis");
}

TEST(Picks, HaveAnIndexThatIsTheSameAlongTheDimension) {
  EXPECT_EQ(refusal_of("input x f32 4 4\ni = aten.argmax.default x 1 -> i64 4\n"
                       "y = aten.index_select.default x 0 i -> f32 4 4"),
            "a gather whose index varies along it");
}

TEST(Picks, DoNotReachThroughReductions) {
  EXPECT_EQ(refusal_of("input x f32 4 3\ninput i i64 2\ns = aten.sum.dim_IntList x [1] -> f32 4\n"
                       "y = aten.index_select.default s 0 i -> f32 2"),
            "a gather of what is reduced along it");
}

}  // namespace
}  // namespace kerf
