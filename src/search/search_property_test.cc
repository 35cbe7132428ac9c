#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "search/replay.h"
#include "search/tree_search.h"

namespace kerf {
namespace {

// What must hold of a tree at any moment.
void check(const TreeSearch& search) {
  const Tree& tree = search.tree();
  std::int64_t pending_at_root = 0;
  std::vector<std::int64_t> pending(static_cast<std::size_t>(tree.size()), 0);
  for (const Expansion& e : search.in_flight()) {
    if (e.task == Task::root) continue;
    ++pending_at_root;
    for (NodeIndex i = e.parents.empty() ? 0 : e.parents[0]; i != no_node; i = tree.parent(i)) {
      ++pending[static_cast<std::size_t>(i)];
    }
  }
  RC_ASSERT(tree.in_flight() == static_cast<std::int64_t>(search.in_flight().size()));
  std::vector<std::int64_t> visits(static_cast<std::size_t>(tree.size()), 1);
  std::vector<double> sum(static_cast<std::size_t>(tree.size()), 0);
  NodeIndex best = no_node;
  for (NodeIndex i = tree.size() - 1; i >= 0; --i) {
    const auto at = static_cast<std::size_t>(i);
    sum[at] += tree.reward(i).mean;
    RC_ASSERT(tree.visits(i) == visits[at]);
    RC_ASSERT(tree.pending(i) == pending[at]);
    RC_ASSERT(std::abs(tree.mean(i) * static_cast<double>(visits[at]) - sum[at]) < 1e-6);
    RC_ASSERT(tree.parent(i) < i);
    if (i > 0) {
      visits[static_cast<std::size_t>(tree.parent(i))] += visits[at];
      sum[static_cast<std::size_t>(tree.parent(i))] += sum[at];
    }
    if (!tree.failed(i) && (best == no_node || tree.reward(i).mean >= tree.reward(best).mean)) best = i;
    // The best below, the number of open children, by brute force over the children.
    double top = tree.failed(i) ? -1e9 : tree.reward(i).mean;
    int children = 0;
    bool open_child = false;
    for (NodeIndex child = tree.first_child(i); child != no_node; child = tree.next_sibling(child)) {
      RC_ASSERT(tree.parent(child) == i);
      if (tree.best_node_below(child) != no_node) top = std::max(top, tree.best_below(child));
      open_child = open_child || tree.open_below(child);
      ++children;
    }
    RC_ASSERT(tree.children(i) == children);
    RC_ASSERT(tree.open_below(i) == (tree.open(i) || open_child));
    if (tree.best_node_below(i) != no_node) {
      RC_ASSERT(tree.best_below(i) == top);
      RC_ASSERT(tree.reward(tree.best_node_below(i)).mean == top);
    } else {
      RC_ASSERT(top < -1e8);
    }
  }
  RC_ASSERT(tree.best() == best);
  if (!tree.empty()) RC_ASSERT(tree.pending(0) == pending_at_root);
}

Outcome any_outcome() {
  const int kind = *rc::gen::weightedElement<int>({{6, 0}, {3, 1}, {2, 2}});
  if (kind == 1) return {.kind = Outcome::Kind::failed};
  if (kind == 2) return {.kind = Outcome::Kind::nothing};
  // Few distinct values: ties are where order can get lost.
  return {.kind = Outcome::Kind::measured,
          .reward = {*rc::gen::inRange(-4, 12) * 0.1, *rc::gen::element(0.0, 0.01, 0.2)},
          .fraction_of_speed_of_light = 0};
}

SearchOptions any_options() {
  SearchOptions options;
  options.policy = *rc::gen::element<std::string>("mcts", "greedy", "best-of-n");
  options.seed = *rc::gen::arbitrary<std::uint64_t>();
  options.repair = *rc::gen::inRange(0, 3);
  options.widening = *rc::gen::element(0.5, 1.5, 4.0);
  return options;
}

TreeSearch make(const SearchOptions& options) {
  for (const PolicyEntry& entry : policies()) {
    if (entry.name == options.policy) return {options, entry.make(options)};
  }
  std::abort();
}

// Drives a search at random; returns what happened.
std::vector<SearchEvent> drive(TreeSearch& search, int steps, bool checked) {
  std::vector<SearchEvent> events;
  std::set<ExpansionId> known;
  for (int i = 0; i < steps; ++i) {
    const std::vector<Expansion> flying = search.in_flight();
    const int act = *rc::gen::inRange(0, 8);
    if (flying.empty() || act < 3) {
      const int n = *rc::gen::inRange(1, 4);
      for (const Expansion& e : search.ask(n)) {
        RC_ASSERT(known.insert(e.id).second);
        for (const NodeIndex parent : e.parents) RC_ASSERT(parent >= 0 && parent < search.tree().size());
        events.push_back(Asked{e});
      }
    } else {
      const Expansion e = *rc::gen::elementOf(flying);
      if (act == 7) {
        search.cancel(e.id);
        events.push_back(Cancelled{e.id});
      } else {
        const Outcome outcome = any_outcome();
        const auto node = search.tell(e.id, outcome);
        RC_ASSERT(node.has_value());
        events.push_back(Told{e.id, outcome, *node});
      }
    }
    if (checked) check(search);
  }
  return events;
}

RC_GTEST_PROP(SearchProperty, FiguresAgreeWithTheTreeWhateverTheInterleaving, ()) {
  TreeSearch search = make(any_options());
  drive(search, 60, true);
}

RC_GTEST_PROP(SearchProperty, VirtualLossesAreGoneWhenNothingIsInFlight, ()) {
  TreeSearch search = make(any_options());
  drive(search, 60, false);
  for (const Expansion& e : search.in_flight()) search.cancel(e.id);
  const Tree& tree = search.tree();
  RC_ASSERT(tree.in_flight() == 0);
  for (NodeIndex i = 0; i < tree.size(); ++i) {
    RC_ASSERT(tree.pending(i) == 0);
    RC_ASSERT(tree.in_flight_at(i) == 0);
    RC_ASSERT(!tree.remeasuring(i));
  }
  for (const MemoryOperator memory :
       {MemoryOperator::inherit, MemoryOperator::siblings, MemoryOperator::combine, MemoryOperator::fresh}) {
    RC_ASSERT(tree.arm(memory).pending == 0);
  }
}

RC_GTEST_PROP(SearchProperty, NoExpansionIsLost, ()) {
  TreeSearch search = make(any_options());
  std::set<ExpansionId> open;
  for (const SearchEvent& event : drive(search, 60, false)) {
    if (const auto* asked = std::get_if<Asked>(&event)) open.insert(asked->expansion.id);
    if (const auto* told = std::get_if<Told>(&event)) RC_ASSERT(open.erase(told->id) == 1U);
    if (const auto* gone = std::get_if<Cancelled>(&event)) RC_ASSERT(open.erase(gone->id) == 1U);
  }
  std::set<ExpansionId> flying;
  for (const Expansion& e : search.in_flight()) flying.insert(e.id);
  RC_ASSERT(open == flying);
}

RC_GTEST_PROP(SearchProperty, TheRecordReplaysToTheSameTree, ()) {
  const SearchOptions options = any_options();
  TreeSearch search = make(options);
  std::vector<SearchEvent> events = drive(search, 60, false);
  // Through JSON, as the store keeps it.
  for (SearchEvent& event : events) {
    auto again = search_event_from_json(nlohmann::json::parse(to_json(event).dump()));
    RC_ASSERT(again.has_value());
    event = *std::move(again);
  }
  TreeSearch other = make(options);
  RC_ASSERT(replay(other, events).has_value());
  RC_ASSERT(other.in_flight() == search.in_flight());
  RC_ASSERT(other.tree().size() == search.tree().size());
  for (NodeIndex i = 0; i < search.tree().size(); ++i) {
    RC_ASSERT(other.tree().mean(i) == search.tree().mean(i));  // bit for bit
    RC_ASSERT(other.tree().best_below(i) == search.tree().best_below(i));
  }
  const auto next = search.ask(5), other_next = other.ask(5);
  RC_ASSERT(next == other_next);
}

RC_GTEST_PROP(SearchProperty, TheTournamentFindsTheMaximum, ()) {
  Tournament tournament;
  std::vector<double> values;
  for (int i = 0; i < 100; ++i) {
    const auto at = static_cast<std::size_t>(*rc::gen::inRange(0, 150));
    const double value = *rc::gen::element(Tournament::out, 0.0, 0.5, 1.0, 2.0);
    if (values.size() <= at) values.resize(at + 1, Tournament::out);
    values[at] = value;
    tournament.set(static_cast<NodeIndex>(at), value);
    const auto but = *rc::gen::inRange<std::size_t>(0, values.size());
    NodeIndex best = no_node, best_but = no_node;
    for (std::size_t k = 0; k < values.size(); ++k) {
      if (values[k] == Tournament::out) continue;
      const auto index = static_cast<NodeIndex>(k);
      if (best == no_node || values[k] > values[static_cast<std::size_t>(best)]) best = index;
      if (k != but && (best_but == no_node || values[k] > values[static_cast<std::size_t>(best_but)])) best_but = index;
    }
    RC_ASSERT(tournament.best() == best);
    RC_ASSERT(tournament.best_but(static_cast<NodeIndex>(but)) == best_but);
  }
}

TEST(Replay, SaysWhatDiffersWhereTheRecordIsOfAnotherSearch) {
  TreeSearch search = make({.seed = 1});
  std::vector<SearchEvent> events;
  events.push_back(Asked{search.ask(1).at(0)});
  TreeSearch other = make({.seed = 2});
  const auto replayed = replay(other, events);
  ASSERT_FALSE(replayed);
  EXPECT_EQ(replayed.error().kind, ErrorKind::user);
  EXPECT_NE(replayed.error().message.find("cannot resume"), std::string::npos);
}

TEST(Replay, ADamagedStepIsAnErrorAndNoCrash) {
  for (const char* text :
       {"{}", "[]", "3", R"({"kind":"told","id":1})", R"({"kind":"danced","id":1})",
        R"({"kind":"asked","id":1,"task":"sleep","memory":"fresh","parents":[],"seed":1,"reason":""})",
        R"({"kind":"asked","id":"x"})"}) {
    EXPECT_FALSE(search_event_from_json(nlohmann::json::parse(text))) << text;
  }
}

}  // namespace
}  // namespace kerf
