#include <fmt/format.h>

#include <array>
#include <cmath>

#include "search/policy.h"

namespace kerf {

std::span<const PolicyEntry> policies() {
  static constexpr std::array table = {
      PolicyEntry{"mcts", "tree search (UCT) with progressive widening on log speedup", make_mcts},
      PolicyEntry{"greedy", "always builds on the best node that still has something to offer", make_greedy},
      PolicyEntry{"best-of-n", "independent candidates from the problem alone: the control", make_best_of_n},
  };
  return table;
}

std::optional<MemoryOperator> choose_memory(const Tree& tree, NodeIndex node) {
  struct Candidate {
    MemoryOperator memory;
    bool sensible;  // has something to recall that inherit has not
    double prior;   // wins of two imagined tries
  };
  const bool branches = tree.children(0) > 1 || (node != 0 && tree.children(0) > 0 && tree.depth(node) > 1);
  const std::array candidates = {
      Candidate{MemoryOperator::inherit, true, 1.2},
      Candidate{MemoryOperator::siblings, tree.attempts(node) > 0, 1.0},
      Candidate{MemoryOperator::combine, node != 0 && branches, 0.8},
      Candidate{MemoryOperator::fresh, node == 0, 0.6},
  };
  double total = 0;
  for (const Candidate& c : candidates) {
    const Arm& arm = tree.arm(c.memory);
    total += 2 + static_cast<double>(arm.tries + arm.pending);
  }
  std::optional<MemoryOperator> chosen;
  double best = 0;
  bool best_sensible = false;
  for (const Candidate& c : candidates) {
    if (tree.exhausted(node, c.memory) || (c.memory == MemoryOperator::fresh && node != 0)) continue;
    if (chosen && best_sensible && !c.sensible) continue;
    const Arm& arm = tree.arm(c.memory);
    const double tries = 2 + static_cast<double>(arm.tries + arm.pending);
    const double score = (c.prior + arm.wins) / tries + 0.5 * std::sqrt(std::log(total) / tries);
    if (chosen && best_sensible == c.sensible && score <= best) continue;
    chosen = c.memory;
    best = score;
    best_sensible = c.sensible;
  }
  return chosen;
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
  const std::optional<MemoryOperator> memory = choose_memory(tree, node);
  if (!memory) return std::nullopt;
  Choice choice{.memory = *memory, .parents = {}, .reason = std::move(why)};
  if (*memory != MemoryOperator::fresh) choice.parents.push_back(node);
  if (*memory == MemoryOperator::combine) {
    if (const NodeIndex partner = choose_partner(tree, node, random); partner != no_node) {
      choice.parents.push_back(partner);
      choice.reason += fmt::format("; combined with node {}", partner);
    }
  }
  return choice;
}

}  // namespace kerf
