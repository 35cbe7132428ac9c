// How good an order is: guesses against what was measured. Both are log times; smaller is better.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "synthesize/builtin/cost/guide.h"

namespace kerf {

// Rank correlations, from -1 to 1; ties share their ranks (Kendall: tau-b). 0 where one side does not vary.
[[nodiscard]] double spearman(std::span<const double> guessed, std::span<const double> measured);
[[nodiscard]] double kendall(std::span<const double> guessed, std::span<const double> measured);

// How much slower than the best of all is the best of the k that are guessed to be fastest: 0.1 is 10 %.
[[nodiscard]] double regret(std::span<const double> guessed, std::span<const double> measured, std::size_t k);

// Which recipes measurements do not tell from the best: those whose difference from it has an interval of 95 % that
// holds 0. `deviations` are those of `measured`.
[[nodiscard]] std::vector<bool> as_good_as_best(std::span<const double> measured, std::span<const double> deviations);
// Which are at most `within` (0.03: 3 %) slower than the best, whatever their intervals.
[[nodiscard]] std::vector<bool> near_best(std::span<const double> measured, double within);

// Measurements in `order` until one is good.
[[nodiscard]] std::size_t measurements_in(std::span<const std::size_t> order, const std::vector<bool>& good);
// The same in a random order: the mean over all orders, (n + 1) / (good + 1).
[[nodiscard]] double measurements_at_random(const std::vector<bool>& good);

// By guess, the fastest first; those that are guessed alike in their order.
[[nodiscard]] std::vector<std::size_t> order_by(std::span<const double> guessed);

// The order in which a search would measure a pool that learns from each: always the one that is guessed to be fastest.
[[nodiscard]] std::vector<std::size_t> order_learning(std::span<const MeasuredUnits> pool, Guide guide);

}  // namespace kerf
