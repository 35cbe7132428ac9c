// Which of several arms next, when each try costs something and brings something. Shared by the choice of memory
// operators (src/search) and of synthesizers (mixed_synthesizer.h).
#pragma once

#include <span>
#include <vector>

namespace kerf {

struct BanditArm {
  double weight = 1;  // prior: how often it is chosen while nothing is known, in proportion to the others; 0: never
  double gain = 0;    // of all tries together
  double cost = 0;    // of all tries together, in the same unit for all arms
};

// What an arm is believed to bring before it was tried: `gain` for `cost`. The more of both, the longer it is believed.
struct BanditPrior {
  double gain = 0.2;
  double cost = 4;
};

// The share of choices that only looks around, by weight.
inline constexpr double bandit_exploration = 0.15;

// The probability of each arm. An arm's rate is (prior gain + gain) / (prior cost + cost); all but the exploring share
// goes to the arms in proportion to weight times rate squared. A stochastic policy, so that what would have come of
// other choices can be estimated from those that were made (inverse propensity scoring: Horvitz and Thompson, 1952).
// Additions, multiplications and divisions only: the same bits on every machine. At least one weight is positive.
[[nodiscard]] std::vector<double> bandit_propensities(std::span<const BanditArm> arms, const BanditPrior& prior);

}  // namespace kerf
