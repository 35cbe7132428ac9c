#include "session/confirm.h"

#include <gtest/gtest.h>

#include <optional>

#include "session/node_fixture.h"

namespace kerf {
namespace {

using namespace testing_node;

TEST(ConfirmTest, TheFastestConfirmedWinnerIsHandedOverWhateverTheSearchSaw) {
  SessionNodes nodes{node(0, std::nullopt, 1), node(1, 0, 9), node(2, 0, 2)};
  nodes[1].confirmed = node(1, 0, 1.5).evaluation;
  nodes[2].confirmed = node(2, 0, 1.9).evaluation;
  const HandOver handed = hand_over(nodes);
  EXPECT_EQ(handed.node, 2);
  EXPECT_TRUE(handed.win && handed.confirmed);
}

TEST(ConfirmTest, AConfirmationThatIsNoWinOutweighsTheSearchsWin) {
  SessionNodes nodes{node(0, std::nullopt, 1), node(1, 0, 1.3)};
  nodes[1].confirmed = node(1, 0, 1.01, 0.05).evaluation;
  const HandOver handed = hand_over(nodes);
  EXPECT_EQ(handed.node, 0);
  EXPECT_FALSE(handed.win);
}

TEST(ConfirmTest, WithoutAWinWhatIsSurelyFasterThanTheIdentityPlanIsHandedOver) {
  SessionNodes nodes{node(0, std::nullopt, 0.5), node(1, 0, 1.3)};
  nodes[1].confirmed = node(1, 0, 1.0, 0.02).evaluation;
  const HandOver handed = hand_over(nodes);
  EXPECT_EQ(handed.node, 1);
  EXPECT_TRUE(handed.confirmed);
  EXPECT_FALSE(handed.win);
  nodes[0] = node(0, std::nullopt, 0.99, 0.02);
  EXPECT_EQ(hand_over(nodes).node, 0);
}

TEST(ConfirmTest, WithoutAWinAndWithoutAnIdentityPlanTheReferenceItselfIsHandedOver) {
  SessionNodes nodes{node(0, std::nullopt, 1), node(1, 0, 0.4), node(2, 0, 0.7)};
  nodes[0].evaluation.verdict = Verdict::wrong;
  nodes[0].evaluation.receipt.reset();
  HandOver handed = hand_over(nodes);
  EXPECT_TRUE(handed.reference);
  EXPECT_FALSE(handed.win);
  EXPECT_EQ(handed.node, 2) << "the closest, for the report";
  nodes[1].confirmed = node(1, 0, 1.8).evaluation;
  handed = hand_over(nodes);
  EXPECT_EQ(handed.node, 1);
  EXPECT_TRUE(handed.win);
  EXPECT_FALSE(handed.reference) << "a win needs no plan to fall back to";
  nodes.resize(1);
  EXPECT_TRUE(hand_over(nodes).reference);
  EXPECT_FALSE(hand_over(nodes).node);
}

}  // namespace
}  // namespace kerf
