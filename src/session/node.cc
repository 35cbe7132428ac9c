#include "session/node.h"

#include <algorithm>
#include <cmath>

namespace kerf {

const Evaluation& SessionNode::best_known() const {
  if (confirmed) return *confirmed;
  return remeasured.empty() ? evaluation : remeasured.back();
}

std::vector<NodeIndex> line_to(const SessionNodes& nodes, NodeIndex node) {
  std::vector<NodeIndex> line;
  // A parent always has a smaller index, so that a damaged store cannot make this run for ever.
  for (std::optional<NodeIndex> at = node; at && *at >= 0 && static_cast<std::size_t>(*at) < nodes.size();) {
    line.push_back(*at);
    const auto parent = nodes[static_cast<std::size_t>(*at)].parent();
    at = parent && *parent < *at ? parent : std::nullopt;
  }
  std::ranges::reverse(line);
  return line;
}

const Ratio* speedup_of(const Evaluation& evaluation, const char* baseline) {
  if (evaluation.verdict != Verdict::measured || !evaluation.receipt) return nullptr;
  const auto found = evaluation.receipt->speedup.find(baseline);
  return found == evaluation.receipt->speedup.end() ? nullptr : &found->second;
}

bool is_untimed(const Evaluation& evaluation) {
  return evaluation.verdict == Verdict::measured && evaluation.receipt && !evaluation.receipt->timed();
}

Outcome outcome_of(const Evaluation& evaluation) {
  Outcome outcome{.kind = Outcome::Kind::failed, .reward = {}, .fraction_of_speed_of_light = 0};
  if (is_untimed(evaluation)) {
    // Right, and neither faster nor slower: the search goes on from it as from any other.
    outcome.kind = Outcome::Kind::measured;
    return outcome;
  }
  const Ratio* speedup = speedup_of(evaluation);
  if (speedup == nullptr || evaluation.receipt->quarantined || !(speedup->value > 0)) return outcome;
  constexpr double interval_width = 2 * 2.576;  // standard errors between the ends of a 99 % interval
  outcome.kind = Outcome::Kind::measured;
  outcome.reward.mean = std::log(speedup->value);
  if (speedup->low > 0 && speedup->high >= speedup->low) {
    outcome.reward.standard_error = (std::log(speedup->high) - std::log(speedup->low)) / interval_width;
  }
  outcome.fraction_of_speed_of_light = evaluation.receipt->fraction_of_speed_of_light.value_or(0);
  return outcome;
}

bool is_win(const Evaluation& evaluation) {
  const Ratio* speedup = speedup_of(evaluation);
  return speedup != nullptr && !evaluation.receipt->quarantined && speedup->win();
}

}  // namespace kerf
