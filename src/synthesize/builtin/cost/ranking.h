// How good an order is: guesses against what was measured. Both are log times; smaller is better.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "synthesize/builtin/cost/correction.h"

namespace kerf {

// Rank correlations, from -1 to 1; ties share their ranks (Kendall: tau-b). 0 where one side does not vary.
[[nodiscard]] double spearman(std::span<const double> guessed, std::span<const double> measured);
[[nodiscard]] double kendall(std::span<const double> guessed, std::span<const double> measured);

// How much slower than the best of all is the best of the k that are guessed to be fastest: 0.1 is 10 %.
[[nodiscard]] double regret(std::span<const double> guessed, std::span<const double> measured, std::size_t k);

// Measurements in `order` until one is within `within` (0.03: 3 %) of the best.
[[nodiscard]] std::size_t measurements_in(std::span<const std::size_t> order, std::span<const double> measured,
                                          double within);
// The same in a random order: the mean over all orders, (n + 1) / (good + 1).
[[nodiscard]] double measurements_at_random(std::span<const double> measured, double within);

// By guess, the fastest first; those that are guessed alike in their order.
[[nodiscard]] std::vector<std::size_t> order_by(std::span<const double> guessed);
// The order in which a search would measure a pool that learns from each: always the one that is guessed to be fastest.
[[nodiscard]] std::vector<std::size_t> order_learning(std::span<const Observation> pool, const Correction& belief);

}  // namespace kerf
