#include "synthesize/bandit.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <numeric>

namespace kerf {
namespace {

TEST(Bandit, FollowsTheWeightsWhileNothingIsKnown) {
  const std::vector<BanditArm> arms = {{.weight = 1}, {.weight = 3}};
  const auto p = bandit_propensities(arms, {});
  EXPECT_DOUBLE_EQ(p[0], 0.25);
  EXPECT_DOUBLE_EQ(p[1], 0.75);
}

TEST(Bandit, PrefersWhatBringsMoreForItsCost) {
  const std::vector<BanditArm> arms = {{.gain = 2, .cost = 10}, {.gain = 2, .cost = 100}};
  const auto p = bandit_propensities(arms, {});
  EXPECT_GT(p[0], 0.9 - bandit_exploration / 2);
  EXPECT_GT(p[1], bandit_exploration / 2 - 1e-12);
}

TEST(Bandit, DrawsByWeightAloneWhereNothingEverGained) {
  const std::vector<BanditArm> arms = {{.weight = 1, .cost = 10}, {.weight = 1, .cost = 1}};
  const auto p = bandit_propensities(arms, {.gain = 0, .cost = 1});
  EXPECT_DOUBLE_EQ(p[0], 0.5);
}

RC_GTEST_PROP(BanditProperty, SharesAddUpAndNobodyWithAWeightIsForgotten, ()) {
  std::vector<BanditArm> arms;
  const int n = *rc::gen::inRange(1, 8);
  for (int i = 0; i < n; ++i) {
    arms.push_back({.weight = *rc::gen::inRange(0, 5) * 1.0,
                    .gain = *rc::gen::inRange(-10, 100) * 0.1,
                    .cost = *rc::gen::inRange(0, 1000) * 0.1});
  }
  arms[0].weight = 1;
  const auto p = bandit_propensities(arms, {});
  RC_ASSERT(std::abs(std::accumulate(p.begin(), p.end(), 0.0) - 1) < 1e-9);
  double weights = 0;
  for (const BanditArm& arm : arms) weights += arm.weight;
  for (std::size_t i = 0; i < arms.size(); ++i) {
    RC_ASSERT(p[i] >= bandit_exploration * arms[i].weight / weights - 1e-12);
    if (arms[i].weight == 0) RC_ASSERT(p[i] == 0.0);
  }
}

}  // namespace
}  // namespace kerf
