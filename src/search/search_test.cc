#include "search/search.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "search/landscape.h"
#include "search/policy.h"
#include "search/replay.h"
#include "search/tree_search.h"

namespace kerf {
namespace {

using testing::HasSubstr;

Outcome measured(double mean, double error = 0) {
  return {.kind = Outcome::Kind::measured, .reward = {mean, error}, .fraction_of_speed_of_light = 0};
}
Outcome failed() { return {.kind = Outcome::Kind::failed}; }
Outcome nothing() { return {.kind = Outcome::Kind::nothing}; }

std::unique_ptr<Search> searching(const std::string& policy, std::uint64_t seed = 1) {
  SearchOptions options;
  options.policy = policy;
  options.seed = seed;
  auto search = make_search(options);
  EXPECT_TRUE(search) << search.error().message;
  return *std::move(search);
}

// With a root told at log speedup 0.
std::unique_ptr<Search> started(const std::string& policy) {
  auto search = searching(policy);
  EXPECT_TRUE(search->tell(search->ask(1).at(0).id, measured(0)));
  return search;
}

TEST(Search, AnUnknownPolicyIsAUserErrorThatListsTheKnownOnes) {
  const auto search = make_search({.policy = "magic"});
  ASSERT_FALSE(search);
  EXPECT_EQ(search.error().kind, ErrorKind::user);
  EXPECT_THAT(search.error().message, HasSubstr("mcts, greedy, best-of-n"));
}

class EveryPolicy : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Search, EveryPolicy, testing::Values("mcts", "greedy", "best-of-n"));

TEST_P(EveryPolicy, AsksForTheRootFirstAndAlone) {
  auto search = searching(GetParam());
  const auto first = search->ask(4);
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(first[0].task, Task::root);
  EXPECT_TRUE(first[0].parents.empty());
  EXPECT_TRUE(search->ask(1).empty());
  EXPECT_FALSE(search->exhausted());
  const auto node = search->tell(first[0].id, measured(0));
  ASSERT_TRUE(node);
  EXPECT_EQ(*node, 0);
  EXPECT_EQ(search->best(), 0);
  EXPECT_EQ(search->ask(3).size(), 3U);
}

TEST_P(EveryPolicy, AsksForTheRootAgainWhenItWasCancelled) {
  auto search = searching(GetParam());
  search->cancel(search->ask(1).at(0).id);
  const auto again = search->ask(1);
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(again[0].task, Task::root);
}

TEST_P(EveryPolicy, StartsFromTheProblemAloneWhereTheRootFailed) {
  for (const Outcome& outcome : {failed(), nothing()}) {
    auto search = searching(GetParam());
    const auto node = search->tell(search->ask(1).at(0).id, outcome);
    ASSERT_TRUE(node);
    EXPECT_EQ(node->has_value(), outcome.kind == Outcome::Kind::failed);
    EXPECT_EQ(search->best(), std::nullopt);
    const auto next = search->ask(1);
    ASSERT_EQ(next.size(), 1U);
    EXPECT_EQ(next[0].memory, MemoryOperator::fresh);
    EXPECT_EQ(search->tell(next[0].id, measured(-0.3)), 1);
    EXPECT_EQ(search->best(), 1);
  }
}

TEST_P(EveryPolicy, IsExhaustedWhenNobodyHasAnythingNewToSay) {
  auto search = started(GetParam());
  int asked = 0;
  while (!search->exhausted()) {
    const auto expansions = search->ask(2);
    ASSERT_FALSE(expansions.empty());
    ASSERT_LT(asked += static_cast<int>(expansions.size()), 50);
    for (const Expansion& e : expansions) EXPECT_TRUE(search->tell(e.id, nothing()));
  }
  EXPECT_TRUE(search->ask(5).empty());
}

// One unlucky answer of somebody who draws answers says little: it is asked again, so often in a row.
TEST_P(EveryPolicy, AsksAgainWhereNothingCameOfItByChance) {
  const auto asks = [](int fruitless, int lucky) {
    SearchOptions options{.policy = GetParam(), .seed = 5, .fruitless = fruitless};
    auto search = std::move(make_search(options)).value();
    EXPECT_TRUE(search->tell(search->ask(1).at(0).id, measured(0)));
    int asked = 0;
    while (!search->exhausted() && asked < 60) {
      for (const Expansion& e : search->ask(1)) {
        ++asked;
        EXPECT_TRUE(search->tell(e.id, lucky != 0 && asked % lucky == 0 ? measured(0.1) : nothing()));
      }
    }
    return asked;
  };
  EXPECT_EQ(asks(3, 0), 3 * asks(1, 0)) << "each question three times";
  EXPECT_EQ(asks(3, 3), 60) << "something comes of it now and then: never exhausted";
}

TEST_P(EveryPolicy, AnAskThatYieldsNothingLeavesNoTrace) {
  auto one = searching(GetParam()), other = searching(GetParam());
  const auto a = one->ask(1).at(0), b = other->ask(1).at(0);
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(other->ask(1).empty());
  EXPECT_EQ(one->tell(a.id, measured(0)), 0);
  EXPECT_EQ(other->tell(b.id, measured(0)), 0);
  const auto x = one->ask(3), y = other->ask(3);
  ASSERT_EQ(x.size(), y.size());
  for (std::size_t i = 0; i < x.size(); ++i) EXPECT_TRUE(x[i] == y[i]);
}

TEST_P(EveryPolicy, RefusesATellOfWhatIsNotInFlight) {
  auto search = started(GetParam());
  const auto e = search->ask(1).at(0);
  ASSERT_TRUE(search->tell(e.id, failed()));
  for (const ExpansionId id : {e.id, ExpansionId{999}}) {
    const auto again = search->tell(id, failed());
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().kind, ErrorKind::user);
    EXPECT_THAT(again.error().message, HasSubstr("not in flight"));
  }
}

TEST_P(EveryPolicy, RefusesARewardThatIsNoNumberAndKeepsTheExpansion) {
  auto search = started(GetParam());
  const auto e = search->ask(1).at(0);
  EXPECT_FALSE(search->tell(e.id, measured(std::nan(""))));
  EXPECT_FALSE(search->tell(e.id, measured(1, -0.1)));
  EXPECT_FALSE(search->tell(e.id, measured(1, INFINITY)));
  EXPECT_EQ(search->in_flight().size(), 1U);
  EXPECT_TRUE(search->tell(e.id, measured(1, 0.1)));
}

TEST(Search, GreedyBuildsOnTheBestUntilItIsExhaustedThenOnTheNextBest) {
  auto search = started("greedy");
  const auto e = search->ask(1).at(0);
  ASSERT_EQ(search->tell(e.id, measured(1)), 1);
  auto next = search->ask(1).at(0);
  ASSERT_EQ(next.parents.at(0), 1);
  ASSERT_EQ(search->tell(next.id, measured(0.5)), 2);
  std::vector<NodeIndex> order;
  for (int i = 0; i < 8; ++i) {
    next = search->ask(1).at(0);
    order.push_back(next.parents.empty() ? 0 : next.parents[0]);
    ASSERT_TRUE(search->tell(next.id, nothing()));
  }
  EXPECT_TRUE(std::ranges::is_sorted(order, {}, [](NodeIndex n) {
    return n == 1 ? 0 : n == 2 ? 1 : 2;
  })) << testing::PrintToString(order);
  EXPECT_EQ(order.front(), 1);
  EXPECT_EQ(order.back(), 0);
}

TEST(Search, BestOfNNeverLooksAtTheTree) {
  auto search = started("best-of-n");
  for (int i = 1; i < 20; ++i) {
    const auto e = search->ask(1).at(0);
    EXPECT_TRUE(e.parents.empty());
    EXPECT_EQ(e.memory, MemoryOperator::fresh);
    EXPECT_EQ(search->tell(e.id, measured(0.1 * i)), i);
  }
}

TEST(Search, MctsUsesEveryMemoryOperatorWhereItHasSomethingToRecall) {
  auto search = searching("mcts", 5);
  Landscape world(5, {});
  std::set<MemoryOperator> seen;
  for (int i = 0; i < 200; ++i) {
    const auto e = search->ask(1).at(0);
    if (e.task == Task::expand) seen.insert(e.memory);
    EXPECT_EQ(e.parents.empty(), e.memory == MemoryOperator::fresh || e.task == Task::root);
    if (e.memory == MemoryOperator::combine) {
      EXPECT_EQ(e.parents.size(), 2U);
      EXPECT_NE(e.parents.at(0), e.parents.at(1));
    }
    if (const auto node = search->tell(e.id, world.carry_out(e)); *node) world.told(**node);
  }
  EXPECT_EQ(seen.size(), 4U);
}

TEST(Search, ALeadThatItsErrorCouldExplainIsMeasuredAgainBeforeItIsBuiltUpon) {
  for (const std::string policy : {"mcts", "greedy"}) {
    auto search = started(policy);
    auto e = search->ask(1).at(0);
    ASSERT_EQ(search->tell(e.id, measured(0.30, 0.05)), 1);
    e = search->ask(1).at(0);
    while (e.parents != std::vector<NodeIndex>{1}) {  // mcts widens the root first
      ASSERT_EQ(e.task, Task::expand);
      ASSERT_TRUE(search->tell(e.id, measured(0.28, 0.05)));
      e = search->ask(1).at(0);
    }
    if (policy == "greedy") {
      EXPECT_EQ(e.task, Task::expand) << "0.30 +- 0.05 against 0 is no luck";
      continue;
    }
    EXPECT_EQ(e.task, Task::remeasure) << "0.30 +- 0.05 against 0.28 +- 0.05 may be luck";
    EXPECT_THAT(e.reason, HasSubstr("node 1 leads node"));
    EXPECT_EQ(search->tell(e.id, measured(0.10, 0.05)), std::nullopt);
    EXPECT_NE(search->best(), 1) << "0.20 is what both measurements say together";
  }
}

TEST(Search, ALeadThatStandsClearIsBuiltUponAtOnce) {
  auto search = started("greedy");
  ASSERT_EQ(search->tell(search->ask(1).at(0).id, measured(0.5, 0.02)), 1);
  EXPECT_EQ(search->ask(1).at(0).task, Task::expand);
}

TEST(Search, WhatIsBeingMeasuredAgainIsNotBuiltUponMeanwhile) {
  auto search = started("greedy");
  ASSERT_EQ(search->tell(search->ask(1).at(0).id, measured(0.02, 0.05)), 1);
  const auto asked = search->ask(4);
  ASSERT_EQ(asked.size(), 4U);
  EXPECT_EQ(asked[0].task, Task::remeasure);
  for (std::size_t i = 1; i < asked.size(); ++i) {
    EXPECT_EQ(asked[i].task, Task::expand);
    EXPECT_THAT(asked[i].parents, testing::Not(testing::Contains(1)));
  }
}

TEST(Search, MeasuresANodeAgainAtMostAsOftenAsItMay) {
  auto search = started("greedy");
  ASSERT_EQ(search->tell(search->ask(1).at(0).id, measured(0.02, 0.5)), 1);
  for (int i = 0; i < 2; ++i) {
    const auto e = search->ask(1).at(0);
    ASSERT_EQ(e.task, Task::remeasure);
    ASSERT_TRUE(search->tell(e.id, i == 0 ? measured(0.02, 0.5) : nothing()));
  }
  EXPECT_EQ(search->ask(1).at(0).task, Task::expand);
}

TEST(Search, ANodeThatFailsWhenMeasuredAgainIsNoLongerTheBestNorBuiltUpon) {
  auto search = started("greedy");
  ASSERT_EQ(search->tell(search->ask(1).at(0).id, measured(0.02, 0.05)), 1);
  const auto e = search->ask(1).at(0);
  ASSERT_EQ(e.task, Task::remeasure);
  ASSERT_TRUE(search->tell(e.id, failed()));
  EXPECT_EQ(search->best(), 0);
  for (const Expansion& next : search->ask(3)) EXPECT_THAT(next.parents, testing::Not(testing::Contains(1)));
}

TEST(Tree, AClosedNodeOpensAgainWithAllAboveItWhenALateChildArrives) {
  Tree tree;
  tree.add_root(true, {.mean = 0, .standard_error = 0});
  const NodeIndex child = tree.add(0, MemoryOperator::inherit, true, {.mean = 0.1, .standard_error = 0});
  for (const NodeIndex node : {NodeIndex{0}, child}) {
    for (const auto memory : {MemoryOperator::inherit, MemoryOperator::siblings, MemoryOperator::combine})
      tree.exhaust(node, memory);
  }
  tree.exhaust(no_node, MemoryOperator::fresh);
  ASSERT_FALSE(tree.open_below(0));
  tree.add(child, MemoryOperator::inherit, true, {.mean = 0.2, .standard_error = 0});  // was in flight meanwhile
  EXPECT_TRUE(tree.open_below(child));
  EXPECT_TRUE(tree.open_below(0));
}

TEST(Search, FailedNodesAreRepairedWhereTheSynthesizerCan) {
  auto search = *make_search({.seed = 3, .repair = 1});
  ASSERT_TRUE(search->tell(search->ask(1).at(0).id, measured(0)));
  ASSERT_EQ(search->tell(search->ask(1).at(0).id, failed()), 1);
  int repairs = 0;
  for (int i = 0; i < 30; ++i) {
    const auto e = search->ask(1).at(0);
    if (!e.parents.empty() && e.parents[0] == 1) {
      ++repairs;
      EXPECT_THAT(e.reason, HasSubstr("repair"));
    }
    ASSERT_TRUE(search->tell(e.id, measured(0.01 * i)));
  }
  EXPECT_EQ(repairs, 1);
}

TEST(Search, ARepairThatFailsIsRepairedInTurnSoOftenAsAllowedThenTheNodeIsClosed) {
  for (const char* policy : {"mcts", "greedy"}) {
    auto search = *make_search({.policy = policy, .seed = 3, .repair = 3});
    ASSERT_TRUE(search->tell(search->ask(1).at(0).id, measured(0)));
    ASSERT_EQ(search->tell(search->ask(1).at(0).id, failed()), 1);
    std::vector<NodeIndex> chain = {1};
    for (int i = 0; i < 60; ++i) {
      const auto e = search->ask(1).at(0);
      const bool repair = !e.parents.empty() && e.parents[0] == chain.back();
      if (!repair) {
        ASSERT_TRUE(search->tell(e.id, measured(-0.1)));  // no failure: the broken one stays the last that failed
        continue;
      }
      EXPECT_EQ(e.memory, MemoryOperator::inherit);
      EXPECT_EQ(e.propensity, 1);
      chain.push_back(**search->tell(e.id, failed()));
    }
    EXPECT_EQ(chain.size(), 4U) << policy << ": one failure and three repairs";
  }
}

// Inverse propensity scoring is only as good as the propensities: over many draws each operator comes as often as said.
TEST(Search, MemoryOperatorsComeAsOftenAsTheirPropensitiesSay) {
  TreeSearch search({.policy = "mcts", .seed = 1}, make_mcts({}));
  ASSERT_TRUE(search.tell(search.ask(1).at(0).id, measured(0)));
  for (int i = 0; i < 40; ++i) {
    const auto e = search.ask(1).at(0);
    ASSERT_TRUE(search.tell(e.id, measured(0.02 * i)));
  }
  const Tree& tree = search.tree();
  const NodeIndex node = tree.best();
  std::map<MemoryOperator, int> seen;
  std::map<MemoryOperator, double> said;
  Random random(5);
  constexpr int draws = 20'000;
  for (int i = 0; i < draws; ++i) {
    const auto choice = choose_memory(tree, node, random);
    ASSERT_TRUE(choice);
    ++seen[choice->memory];
    said[choice->memory] = choice->propensity;
  }
  ASSERT_GE(seen.size(), 2U);
  for (const auto& [memory, count] : seen)
    EXPECT_NEAR(static_cast<double>(count) / draws, said[memory], 0.015) << to_string(memory);
}

TEST(Search, TheOperatorThatBringsGainsIsAskedForMore) {
  TreeSearch search({.policy = "mcts", .seed = 1}, make_mcts({}));
  ASSERT_TRUE(search.tell(search.ask(1).at(0).id, measured(0)));
  int before = 0, after = 0;
  for (int i = 0; i < 200; ++i) {
    const auto e = search.ask(1).at(0);
    const bool combined = e.memory == MemoryOperator::siblings;
    (i < 40 ? before : after) += i < 40 || i >= 160 ? combined : 0;
    const double parent = e.parents.empty() ? 0 : search.tree().reward(e.parents[0]).mean;
    ASSERT_TRUE(search.tell(e.id, measured(combined ? parent + 0.3 : parent - 0.1)));
  }
  EXPECT_GT(after, before);
}

TEST(Search, FailedNodesAreLeftAloneByDefault) {
  auto search = started("mcts");
  ASSERT_EQ(search->tell(search->ask(1).at(0).id, failed()), 1);
  for (int i = 0; i < 50; ++i) {
    const auto e = search->ask(1).at(0);
    EXPECT_THAT(e.parents, testing::Not(testing::Contains(1)));
    ASSERT_TRUE(search->tell(e.id, measured(0.01 * (i % 7))));
  }
}

// The control has to lose: the mean of what the found kernels are really worth, over fixed worlds.
double found(const std::string& policy, int candidates, int in_flight) {
  double total = 0;
  constexpr int worlds = 24;
  for (int seed = 0; seed < worlds; ++seed) {
    auto search = searching(policy, static_cast<std::uint64_t>(seed));
    Landscape world(1000 + static_cast<std::uint64_t>(seed), {});
    std::vector<Expansion> queue;
    for (int judged = 0; judged < candidates;) {
      for (Expansion& e : search->ask(in_flight - static_cast<int>(queue.size()))) queue.push_back(std::move(e));
      if (queue.empty()) break;
      const Expansion e = queue.front();
      queue.erase(queue.begin());
      const auto node = search->tell(e.id, world.carry_out(e));
      if (*node) world.told(**node);
      ++judged;  // measuring again costs as much as a candidate
    }
    total += world.worth(*search->best());
  }
  return total / worlds;
}

TEST(Search, MctsBeatsGreedyAndBestOfNWhereThereAreTraps) {
  for (const int in_flight : {1, 4}) {
    const double mcts = found("mcts", 128, in_flight);
    const double greedy = found("greedy", 128, in_flight);
    const double best_of_n = found("best-of-n", 128, in_flight);
    RecordProperty("mcts", std::to_string(mcts));
    // Log speedups: 0.2 is faster by a fifth.
    EXPECT_GT(mcts, greedy + 0.2) << in_flight;
    EXPECT_GT(mcts, best_of_n + 0.2) << in_flight;
  }
}

}  // namespace
}  // namespace kerf
