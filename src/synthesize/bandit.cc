#include "synthesize/bandit.h"

#include <algorithm>
#include <cassert>

namespace kerf {

std::vector<double> bandit_propensities(std::span<const BanditArm> arms, const BanditPrior& prior) {
  std::vector<double> shares;
  double weights = 0, total = 0;
  for (const BanditArm& arm : arms) {
    const double rate = std::max(prior.gain + arm.gain, 0.0) / (prior.cost + arm.cost);
    weights += arm.weight;
    total += shares.emplace_back(arm.weight * rate * rate);
  }
  assert(weights > 0);
  for (std::size_t i = 0; i < shares.size(); ++i) {
    const double explored = arms[i].weight / weights;
    shares[i] = total > 0 ? bandit_exploration * explored + (1 - bandit_exploration) * shares[i] / total : explored;
  }
  return shares;
}

}  // namespace kerf
