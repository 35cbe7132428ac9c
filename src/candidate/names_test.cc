#include "candidate/names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kerf {
namespace {

using ::testing::ElementsAre;
using ::testing::Eq;
using ::testing::Optional;

TEST(Names, AreNumberedInTheOrderInWhichTheyCome) {
  Names names;
  EXPECT_EQ(names.add("x"), 0);
  EXPECT_EQ(names.add("conv.weight"), 1);
  EXPECT_EQ(names.add("x"), 0);
  EXPECT_EQ(names.size(), 2u);
  EXPECT_EQ(names.text(1), "conv.weight");
  EXPECT_THAT(names.find("conv.weight"), Optional(1));
  EXPECT_THAT(names.find("conv"), Eq(std::nullopt));
  EXPECT_THAT(names.all(), ElementsAre("x", "conv.weight"));
}

TEST(Names, TheLongestThatAnExpressionBeginsWithWins) {
  Names names;
  const int conv = names.add("conv"), weight = names.add("conv.weight");
  EXPECT_THAT(names.longest_prefix("conv.weight.shape[0]"), Optional(weight));
  EXPECT_THAT(names.longest_prefix("conv.bias"), Optional(conv));
  EXPECT_THAT(names.longest_prefix("conv + 1"), Optional(conv));
}

TEST(Names, OneEndsWhereAWordEnds) {
  Names names;
  names.add("x");
  EXPECT_THAT(names.longest_prefix("x1"), Eq(std::nullopt));
  EXPECT_THAT(names.longest_prefix("x_"), Eq(std::nullopt));
  EXPECT_THAT(names.longest_prefix("x"), Optional(0));
  EXPECT_THAT(names.longest_prefix("x-1"), Optional(0));
  EXPECT_THAT(names.longest_prefix(""), Eq(std::nullopt));
}

}  // namespace
}  // namespace kerf
