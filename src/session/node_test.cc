#include "session/node.h"

#include <gmock/gmock.h>

#include <cmath>

#include "session/confirm.h"
#include "session/node_fixture.h"

namespace kerf {
namespace {

using namespace testing_node;

TEST(OutcomeTest, AQuarantinedTimeIsNeverScored) {
  SessionNode n = node(0, std::nullopt, 100);
  n.evaluation.receipt->quarantined = true;
  EXPECT_EQ(outcome_of(n.evaluation).kind, Outcome::Kind::failed);
  EXPECT_FALSE(is_win(n.evaluation));
}

TEST(OutcomeTest, WhatIsRightWithoutATimeIsNeitherFasterNorSlowerAndNeverHandedOverForASpeed) {
  SessionNodes nodes{node(0, std::nullopt, 1), node(1, 0, 1)};
  for (SessionNode& n : nodes) {
    n.evaluation.receipt = Receipt{.evidence = Evidence::emulated, .time_us = {}};
    n.outcome = outcome_of(n.evaluation);
    EXPECT_EQ(n.outcome.kind, Outcome::Kind::measured);
    EXPECT_EQ(n.outcome.reward.mean, 0);
    EXPECT_FALSE(is_win(n.evaluation));
  }
  EXPECT_THAT(confirmation_order(nodes, 1), ::testing::IsEmpty());
  const HandOver over = hand_over(nodes);
  EXPECT_EQ(over.node, std::optional<NodeIndex>(0));
  EXPECT_FALSE(over.win || over.confirmed);
}

TEST(OutcomeTest, TheStandardErrorIsReadOffThe99PercentInterval) {
  const SessionNode n = node(0, std::nullopt, 2);
  EXPECT_NEAR(n.outcome.reward.mean, std::log(2.0), 1e-12);
  EXPECT_NEAR(n.outcome.reward.standard_error, 0.02 / 5.152, 1e-4);
}

}  // namespace
}  // namespace kerf
