// What is put or added where an index says: what becomes of each place, and what is left to PyTorch.
#include <gmock/gmock.h>

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include "synthesize/builtin_fixture.h"

namespace kerf {
namespace {

using namespace testing_builtin;
using testing::ElementsAre;

std::vector<double> counted(std::size_t n) {
  std::vector<double> made(n);
  std::iota(made.begin(), made.end(), 0);
  return made;
}

std::ptrdiff_t reductions(const std::string& text) {
  const Result<Region> region = region_from(text);
  EXPECT_TRUE(region) << region.error().message;
  return region ? std::ranges::count(region->code, Instruction::Form::reduce, &Instruction::form) : -1;
}

TEST(Scatters, AddWhatIsMeantForAPlace) {
  EXPECT_THAT(result_of("input x f32 2 3\ninput i i64 2 2\ninput z f32 2 2\n"
                        "y = aten.scatter_add.default x 1 i z -> f32 2 3",
                        {{"x", counted(6)}, {"i", {2, 2, 0, 1}}, {"z", {10, 20, 30, 40}}}),
              ElementsAre(0, 1, 32, 33, 44, 5));
}

TEST(Scatters, OfRowsAddThemTimesANumber) {
  EXPECT_THAT(result_of("input x f32 9 2\ninput i i64 9\nz = aten.zeros.default [2,2] -> f32 2 2\n"
                        "y = aten.index_add.default z 0 i x alpha=2 -> f32 2 2",
                        {{"x", counted(18)}, {"i", {0, 1, 1, 0, 0, 0, 1, 0, 0}}}),
              ElementsAre(108, 120, 36, 42));
}

TEST(Scatters, JoinWhatIsMeantForAPlaceWithWhatWasThere) {
  const auto joined = [](const std::string& how) {
    return result_of(
        "input x f32 3\ninput i i64 3\ninput z f32 3\ny = aten.scatter_reduce.two x 0 i z \"" + how + "\" -> f32 3",
        {{"x", {2, 3, 4}}, {"i", {0, 0, 2}}, {"z", {5, -1, 1}}});
  };
  EXPECT_THAT(joined("sum"), ElementsAre(6, 3, 5));
  EXPECT_THAT(joined("prod"), ElementsAre(-10, 3, 4));
  EXPECT_THAT(joined("amax"), ElementsAre(5, 3, 4));
  EXPECT_THAT(joined("amin"), ElementsAre(-1, 3, 1));
}

TEST(Scatters, LeaveAPlaceAloneForWhichNothingIsMeant) {
  // Not even a neutral element is joined with it that would show.
  for (const std::string how : {"sum", "prod", "amax", "amin"})
    EXPECT_THAT(result_of("input x f32 2 2\ninput i i64 9 2\ninput z f32 9 2\ny = aten.scatter_reduce.two x 0 i z \"" +
                              how + "\" -> f32 2 2",
                          {{"x", {7, -7, 0, 0}}, {"i", std::vector<double>(18, 1)}, {"z", counted(18)}})
                    .at(1),
                -7)
        << how;
}

TEST(Scatters, KeepWhatIsPutLast) {
  EXPECT_THAT(result_of("input x f32 2 3\ninput i i64 2 2\ninput z f32 2 2\n"
                        "y = aten.scatter.src x 1 i z -> f32 2 3",
                        {{"x", counted(6)}, {"i", {2, 2, 0, 1}}, {"z", {10, 20, 30, 40}}}),
              ElementsAre(0, 1, 20, 30, 40, 5));
}

TEST(Scatters, PutANumberToo) {
  EXPECT_THAT(result_of("input x f32 3 2\ninput i i64 1 2\ny = aten.scatter.value x 0 i 7 -> f32 3 2",
                        {{"x", counted(6)}, {"i", {2, 0}}}),
              ElementsAre(0, 7, 2, 3, 7, 5));
}

TEST(Scatters, OfAFewAreWrittenOutAndOfManyToAFewPlacesReduced) {
  EXPECT_EQ(reductions("input x f32 100 2\ninput i i64 8\ninput z f32 8 2\n"
                       "y = aten.index_add.default x 0 i z -> f32 100 2"),
            0);
  EXPECT_EQ(reductions("input x f32 16 2\ninput i i64 900\ninput z f32 900 2\n"
                       "y = aten.index_add.default x 0 i z -> f32 16 2"),
            1);
}

TEST(Scatters, OfManyToManyPlacesAreCalls) {
  const char* why = "a scatter of many elements to many places";
  EXPECT_EQ(refusal_of("input x f32 17 2\ninput i i64 9\ninput z f32 9 2\n"
                       "y = aten.index_add.default x 0 i z -> f32 17 2"),
            why);
  // Which one is the last is no reduction.
  EXPECT_EQ(refusal_of("input x f32 2 2\ninput i i64 9 2\ninput z f32 9 2\ny = aten.scatter.src x 0 i z -> f32 2 2"),
            why);
}

TEST(Scatters, ThatNeedToKnowHowManyAreMeantForAPlaceAreCalls) {
  const std::string text = "input x f32 2 2\ninput i i64 9 2\ninput z f32 9 2\ny = aten.scatter_reduce.two x 0 i z ";
  EXPECT_EQ(refusal_of(text + "\"mean\" -> f32 2 2"), "a scatter that takes means");
  EXPECT_EQ(refusal_of(text + "\"sum\" include_self=false -> f32 2 2"), "this scatter");
}

TEST(Scatters, CoverTheOtherDimensions) {
  EXPECT_EQ(refusal_of("input x f32 3 2\ninput i i64 1 1\ny = aten.scatter.value x 0 i 7 -> f32 3 2"),
            "a scatter into a part");
  EXPECT_EQ(refusal_of("input x f32 3 2\ninput i i64 1 2\ninput z f32 2 2\ny = aten.scatter.src x 0 i z -> f32 3 2"),
            "a scatter into a part");
}

TEST(Scatters, AreAlongOneAxis) {
  EXPECT_EQ(refusal_of("input x f32 2 3\ninput i i64 2\nv = aten.view.default x [6] -> f32 6\n"
                       "y = aten.scatter.value v 0 i 7 -> f32 6"),
            "a scatter along a dimension that is not one axis");
}

TEST(Scatters, AreOfFloats) {
  EXPECT_EQ(refusal_of("input x f32 3\ninput i i64 2\ninput m bool 2\ny = aten.scatter_add.default x 0 i m -> f32 3"),
            "a scatter of anything but f32");
}

}  // namespace
}  // namespace kerf
