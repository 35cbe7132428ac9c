// UCT (Kocsis, Szepesvari, "Bandit based Monte-Carlo planning", 2006) over programs: a node's children are candidates
// that were built on it. There are ever more of them, so that a node's number of children is bound to its visits
// (progressive widening: Chaslot et al., "Progressive strategies for Monte-Carlo tree search", 2008; Couetoux et al.,
// "Continuous upper confidence trees", 2011). One wants the best leaf, not a good average, hence a value that mixes the
// mean of a subtree with its best (Schadd et al., "Single-player Monte-Carlo tree search", 2008). What is in flight
// counts as visits that came back with the lowest reward seen (virtual loss: Chaslot, Winands, van den Herik, "Parallel
// Monte-Carlo tree search", 2008).
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "search/policy.h"

namespace kerf {
namespace {

class Mcts final : public Policy {
 public:
  explicit Mcts(const SearchOptions& options) : options_(options) {}

  std::optional<Choice> choose(const Tree& tree, Random& random) const override {
    NodeIndex node = 0;
    std::string path = "0";
    for (int depth = 0;; ++depth) {
      const bool can_expand = tree.open(node);
      const double visits = static_cast<double>(tree.visits(node) + tree.pending(node));
      const double limit = std::max(1.0, options_.widening * std::pow(visits, options_.widening_power));
      const int tried = tree.attempts(node) + tree.in_flight_at(node);
      if (can_expand && tried < limit) return expand(tree, node, tried, limit, path, random);
      const NodeIndex child = descend(tree, node, visits);
      if (child == no_node) {
        if (can_expand) return expand(tree, node, tried, limit, path, random);
        break;  // all below is being measured again
      }
      node = child;
      path += fmt::format(">{}", node);
    }
    const NodeIndex best = tree.best_open();
    if (best == no_node) return std::nullopt;
    return build_on(tree, best, fmt::format("best open node {}", best), random);
  }

 private:
  std::optional<Choice> expand(const Tree& tree, NodeIndex node, int tried, double limit, const std::string& path,
                               Random& random) const {
    if (auto repair = repair_at(tree, node, options_, fmt::format("path {}", path), random)) return repair;
    return build_on(tree, node,
                    fmt::format("path {}; {} of at most {:.0f} children, {} visits", path, tried, std::ceil(limit),
                                tree.visits(node)),
                    random);
  }

  NodeIndex descend(const Tree& tree, NodeIndex node, double visits) const {
    const NodeIndex leader = tree.best();
    const double low = tree.lowest();
    const double range = leader == no_node ? 0 : tree.reward(leader).mean - low;
    const double scale = range > 1e-9 ? 1 / range : 0;
    const double log_visits = std::log(visits);
    NodeIndex best = no_node;
    double best_score = 0;
    for (NodeIndex child = tree.first_child(node); child != no_node; child = tree.next_sibling(child)) {
      if (!tree.open_below(child) || tree.remeasuring(child)) continue;
      const double n = static_cast<double>(tree.visits(child));
      const double lost = static_cast<double>(tree.pending(child));
      const double mean = (tree.mean(child) - low) * scale * n / (n + lost);
      const double top = (tree.best_below(child) - low) * scale;
      const double value = options_.best_weight * top + (1 - options_.best_weight) * mean;
      const double score = value + options_.exploration * std::sqrt(log_visits / (n + lost));
      if (best != no_node && score <= best_score) continue;
      best = child;
      best_score = score;
    }
    return best;
  }

  SearchOptions options_;
};

}  // namespace

std::unique_ptr<Policy> make_mcts(const SearchOptions& options) { return std::make_unique<Mcts>(options); }

}  // namespace kerf
