#include "session/confirm.h"

#include <algorithm>
#include <cmath>

namespace kerf {

double pooled_log_speedup(const SessionNode& node) {
  double sum = 0;
  int n = 0;
  const auto add = [&](const Evaluation& evaluation) {
    const Outcome outcome = outcome_of(evaluation);
    if (outcome.kind != Outcome::Kind::measured) return;
    sum += outcome.reward.mean;
    ++n;
  };
  add(node.evaluation);
  for (const Evaluation& again : node.remeasured) add(again);
  return n > 0 ? sum / n : -INFINITY;
}

std::vector<NodeIndex> confirmation_order(const SessionNodes& nodes, std::optional<NodeIndex> best) {
  std::vector<std::pair<double, NodeIndex>> order;
  for (const SessionNode& node : nodes) {
    if (!node.measured() || !node.has_candidate() || is_untimed(node.evaluation)) continue;
    order.emplace_back(node.index == best ? INFINITY : pooled_log_speedup(node), node.index);
  }
  std::ranges::sort(
      order, [](const auto& a, const auto& b) { return a.first != b.first ? a.first > b.first : a.second < b.second; });
  std::vector<NodeIndex> indices;
  for (const auto& [mean, index] : order) indices.push_back(index);
  return indices;
}

namespace {

// The fastest of those whose evaluation is right and passes `admit`.
template <class EvaluationOf>
std::optional<NodeIndex> fastest(const SessionNodes& nodes, EvaluationOf evaluation_of, bool winners_only) {
  std::optional<NodeIndex> found;
  double speed = 0;
  for (const SessionNode& node : nodes) {
    const Evaluation* evaluation = node.has_candidate() ? evaluation_of(node) : nullptr;
    if (evaluation == nullptr || outcome_of(*evaluation).kind != Outcome::Kind::measured) continue;
    if (winners_only && !is_win(*evaluation)) continue;
    const Ratio* speedup = speedup_of(*evaluation);
    const double value = speedup == nullptr ? 0 : speedup->value;
    if (!found || value > speed) {
      found = node.index;
      speed = value;
    }
  }
  return found;
}

}  // namespace

HandOver hand_over(const SessionNodes& nodes) {
  const auto confirmed = [](const SessionNode& node) { return node.confirmed ? &*node.confirmed : nullptr; };
  const auto searched = [](const SessionNode& node) -> const Evaluation* {
    // A confirming run that found it wrong or no faster outweighs what the search saw.
    return node.measured() ? &node.best_known() : nullptr;
  };
  if (const auto node = fastest(nodes, confirmed, true)) return {.node = node, .win = true, .confirmed = true};
  const bool any_confirmed = std::ranges::any_of(nodes, [](const SessionNode& n) { return n.confirmed.has_value(); });
  if (!any_confirmed) {
    if (const auto node = fastest(nodes, searched, true)) return {.node = node, .win = true, .confirmed = false};
  }
  if (!nodes.empty() && nodes[0].has_candidate() && nodes[0].best_known().verdict == Verdict::measured) {
    // The library's operators one by one may themselves be slower than eager, which fuses some: what is surely faster
    // than they are is the better thing to take home.
    const auto best = any_confirmed ? fastest(nodes, confirmed, false) : fastest(nodes, searched, false);
    const Ratio* identity = speedup_of(nodes[0].best_known());
    const Ratio* other = best ? speedup_of(nodes[static_cast<std::size_t>(*best)].best_known()) : nullptr;
    if (identity != nullptr && other != nullptr && other->low > identity->high)
      return {.node = best, .win = false, .confirmed = any_confirmed};
    return {.node = 0, .win = false, .confirmed = nodes[0].confirmed.has_value()};
  }
  if (const auto node = fastest(nodes, confirmed, false)) return {.node = node, .confirmed = true, .reference = true};
  return {.node = fastest(nodes, searched, false), .reference = !nodes.empty()};
}

}  // namespace kerf
