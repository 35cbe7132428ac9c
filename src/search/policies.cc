#include <fmt/format.h>

#include <array>

#include "search/policy.h"
#include "synthesize/bandit.h"

namespace kerf {

std::span<const PolicyEntry> policies() {
  static constexpr std::array table = {
      PolicyEntry{"mcts", "tree search (UCT) with progressive widening on log speedup", make_mcts},
      PolicyEntry{"greedy", "always builds on the best node that still has something to offer", make_greedy},
      PolicyEntry{"best-of-n", "independent candidates from the problem alone: the control", make_best_of_n},
  };
  return table;
}

std::optional<MemoryChoice> choose_memory(const Tree& tree, NodeIndex node, Random& random) {
  struct Operator {
    MemoryOperator memory;
    bool sensible;  // has something to recall that inherit has not
    double weight;
  };
  bool branches = false;
  for (NodeIndex i = tree.parent(node); i != no_node && !branches; i = tree.parent(i)) branches = tree.children(i) > 1;
  const std::array operators = {
      Operator{MemoryOperator::inherit, true, 1.2},
      Operator{MemoryOperator::siblings, tree.attempts(node) > 0, 1.0},
      Operator{MemoryOperator::combine, branches, 0.8},
      Operator{MemoryOperator::fresh, node == 0, 0.6},
  };
  // What is not sensible is asked for only when nothing else is left: its turn comes, and with it `nothing`.
  for (const bool sensible : {true, false}) {
    std::array<BanditArm, operators.size()> arms;
    bool any = false;
    for (std::size_t i = 0; i < operators.size(); ++i) {
      const Operator& o = operators[i];
      const bool possible = !tree.exhausted(node, o.memory) && (o.memory != MemoryOperator::fresh || node == 0);
      const Arm& arm = tree.arm(o.memory);
      arms[i] = {.weight = possible && o.sensible == sensible ? o.weight : 0,
                 .gain = arm.gain,
                 .cost = static_cast<double>(arm.tries + arm.pending)};
      any = any || arms[i].weight > 0;
    }
    if (!any) continue;
    const std::vector<double> shares = bandit_propensities(arms, {});
    const std::size_t chosen = random.pick(shares);
    return MemoryChoice{operators[chosen].memory, shares[chosen]};
  }
  return std::nullopt;
}

std::optional<Choice> repair_at(const Tree& tree, NodeIndex node, const SearchOptions& options, const std::string& why,
                                Random& random) {
  if (options.repair <= 0) return std::nullopt;
  const NodeIndex broken = tree.last_failed(node);
  if (broken == no_node || tree.repairs(broken) >= options.repair) return std::nullopt;
  if (tree.attempts(broken) + tree.in_flight_at(broken) > 0 || random.uniform() >= 0.5) return std::nullopt;
  return Choice{.memory = MemoryOperator::inherit,
                .propensity = 1,
                .parents = {broken},
                .reason = fmt::format("{}; repair of failed node {}", why, broken)};
}

NodeIndex choose_partner(const Tree& tree, NodeIndex node, Random& random) {
  // Up the path; the last ancestor that has another branch is the nearest to the root.
  NodeIndex fork = no_node;
  NodeIndex taken = no_node;
  NodeIndex below = node;
  for (NodeIndex i = tree.parent(node); i != no_node; below = i, i = tree.parent(i)) {
    if (tree.children(i) > 1) {
      fork = i;
      taken = below;
    }
  }
  if (fork == no_node) return no_node;
  // Of two branches drawn by lot (reservoir sampling) the better one: good, yet not always the same.
  std::array<NodeIndex, 2> drawn = {no_node, no_node};
  std::uint64_t seen = 0;
  for (NodeIndex child = tree.first_child(fork); child != no_node && seen < 256; child = tree.next_sibling(child)) {
    if (child == taken) continue;
    ++seen;
    if (seen <= 2) {
      drawn[seen - 1] = child;
    } else if (const std::uint64_t place = random.below(seen); place < 2) {
      drawn[place] = child;
    }
  }
  if (drawn[0] == no_node) return no_node;
  const bool second = drawn[1] != no_node && tree.best_below(drawn[1]) > tree.best_below(drawn[0]);
  return tree.best_node_below(drawn[second ? 1 : 0]);
}

std::optional<Choice> build_on(const Tree& tree, NodeIndex node, std::string why, Random& random) {
  const std::optional<MemoryChoice> chosen = choose_memory(tree, node, random);
  if (!chosen) return std::nullopt;
  Choice choice{.memory = chosen->memory, .propensity = chosen->propensity, .parents = {}, .reason = std::move(why)};
  if (choice.memory != MemoryOperator::fresh) choice.parents.push_back(node);
  if (choice.memory == MemoryOperator::combine) {
    if (const NodeIndex partner = choose_partner(tree, node, random); partner != no_node) {
      choice.parents.push_back(partner);
      choice.reason += fmt::format("; combined with node {}", partner);
    }
  }
  return choice;
}

}  // namespace kerf
