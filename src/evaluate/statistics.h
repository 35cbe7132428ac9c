// Medians and ratios of noisy times. Nothing here assumes a distribution: times on shared machines are skewed, have
// heavy tails and drift.
#pragma once

#include <span>
#include <vector>

#include "evaluate/evaluation.h"

namespace kerf {

// Median with an interval of at least `confidence` from order statistics: the number of samples below the true median
// is binomial(n, 1/2), whatever the distribution (David & Nagaraja, "Order Statistics", 3rd ed. 2003, section 7.1; for
// measurements of computers: Hoefler & Belli, SC 2015, rule 6). With fewer than 6 samples no interval reaches 95 %:
// then it is [smallest, largest]. All zero if `samples` is empty.
[[nodiscard]] Estimate estimate_median(std::span<const double> samples, double confidence = 0.95);

// What ratios of two copies of the same program differ in the long run, for reasons that no number of samples of one
// pair of processes shows (where code, stacks and pages came to lie; Mytkowicz et al., ASPLOS 2009). Relative.
inline constexpr double systematic_error = 0.005;
// Of the intervals of ratios: a win is a ratio whose interval lies above 1, and of identical kernels fewer than 1 % may
// be called different, also when measuring stops as soon as the interval is tight.
inline constexpr double ratio_confidence = 0.995;
// Fewer pairs cannot carry an interval of `ratio_confidence` (2^-9 a side).
inline constexpr int fewest_pairs = 9;

// How many times faster: Hodges and Lehmann's estimate of the centre of log(baseline / time) over pairs that were
// measured one after the other, with the interval of Wilcoxon's signed-rank test (Hollander, Wolfe & Chicken,
// "Nonparametric Statistical Methods", 3rd ed. 2014, section 3.3), widened by `systematic` on both sides. Drift that is
// slow against a pair cancels; one wild sample moves nothing. The spans have equal length, all values positive.
// With fewer than fewest_pairs pairs the interval is that of the extreme pairs, widened by half: it never wins by luck
// alone more often than the confidence says from fewest_pairs on. All zero if empty.
[[nodiscard]] Ratio estimate_ratio(std::span<const double> baseline, std::span<const double> time,
                                   double confidence = ratio_confidence, double systematic = systematic_error);

// (high - low) / (2 * value), infinity where that means nothing.
[[nodiscard]] double relative_half_width(const Estimate& estimate);
[[nodiscard]] double relative_half_width(const Ratio& ratio);

// The number of signed ranks to leave out at each end of n pairs' Walsh averages, so that the interval between keeps at
// least `confidence`; -1 if even the extremes do not reach it. Exact up to 40 pairs, normal approximation beyond.
[[nodiscard]] int signed_rank_cut(int n, double confidence);
// The same for the median: order statistics to leave out at each end.
[[nodiscard]] int median_cut(int n, double confidence);

}  // namespace kerf
