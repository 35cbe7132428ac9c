#include "evaluate/statistics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/random.h"

namespace kerf {
namespace {

// Noise as machines make it: 0 normal, 1 lognormal skew, 2 heavy tail (one in ten runs up to 20 times slower).
double noisy(Random& random, int kind) {
  switch (kind) {
    case 0:
      return 100 + 5 * random.normal();
    case 1:
      return 100 * std::exp(0.1 * random.normal());
    default:
      return 100 * (1 + 0.02 * random.uniform()) * (random.uniform() < 0.1 ? 1 + 19 * random.uniform() : 1.0);
  }
}
double true_median(int kind) {
  if (kind < 2) return 100;
  Random random(4711);
  std::vector<double> many(20001);
  for (auto& v : many) v = noisy(random, kind);
  std::ranges::nth_element(many, many.begin() + 10000);
  return many[10000];
}

TEST(MedianInterval, AgreesWithPublishedTables) {
  // David & Nagaraja / Hahn & Meeker, two-sided 95 %: n = 6 gives [x1, x6], n = 9 [x2, x8], n = 20 [x6, x15], n = 100
  // [x40, x61].
  EXPECT_EQ(median_cut(5, 0.95), -1);
  EXPECT_EQ(median_cut(6, 0.95), 0);
  EXPECT_EQ(median_cut(8, 0.95), 0);
  EXPECT_EQ(median_cut(9, 0.95), 1);
  EXPECT_EQ(median_cut(20, 0.95), 5);
  EXPECT_EQ(median_cut(100, 0.95), 39);
}

TEST(SignedRankInterval, AgreesWithPublishedTables) {
  // Critical values of Wilcoxon's T, two-sided: 5 % n = 6: 0, 10: 8, 20: 52; 1 % n = 8: 0, 10: 3, 20: 37.
  EXPECT_EQ(signed_rank_cut(5, 0.95), -1);
  EXPECT_EQ(signed_rank_cut(6, 0.95), 0);
  EXPECT_EQ(signed_rank_cut(10, 0.95), 8);
  EXPECT_EQ(signed_rank_cut(20, 0.95), 52);
  EXPECT_EQ(signed_rank_cut(7, 0.99), -1);
  EXPECT_EQ(signed_rank_cut(8, 0.99), 0);
  EXPECT_EQ(signed_rank_cut(fewest_pairs - 1, ratio_confidence), -1);
  EXPECT_EQ(signed_rank_cut(fewest_pairs, ratio_confidence), 0);
  EXPECT_EQ(signed_rank_cut(10, 0.99), 3);
  EXPECT_EQ(signed_rank_cut(20, 0.99), 37);
}

TEST(SignedRankInterval, ApproximationJoinsTheExactValues) {
  const int below = signed_rank_cut(40, 0.99), above = signed_rank_cut(41, 0.99);
  EXPECT_GT(above, below);
  EXPECT_LT(above - below, 45);  // one more pair adds about n/2 - a little
}

TEST(MedianInterval, OfNothingIsZero) { EXPECT_EQ(estimate_median({}).samples, 0); }

RC_GTEST_PROP(MedianInterval, HoldsTheMedianAndIgnoresOrder, ()) {
  auto values = *rc::gen::nonEmpty(rc::gen::container<std::vector<double>>(
      rc::gen::map(rc::gen::inRange(1, 100000), [](int v) { return v / 7.0; })));
  const auto e = estimate_median(values);
  RC_ASSERT(e.low <= e.median);
  RC_ASSERT(e.median <= e.high);
  RC_ASSERT(e.samples == static_cast<int>(values.size()));
  std::ranges::reverse(values);
  const auto reversed = estimate_median(values);
  RC_ASSERT(e.low == reversed.low);
  RC_ASSERT(e.high == reversed.high);
}

class Coverage : public ::testing::TestWithParam<std::tuple<int, int>> {};

TEST_P(Coverage, OfMediansIsAtLeastWhatIsClaimed) {
  const auto [kind, n] = GetParam();
  const double truth = true_median(kind);
  Random random(17);
  int held = 0;
  constexpr int trials = 600;
  for (int t = 0; t < trials; ++t) {
    std::vector<double> samples(static_cast<std::size_t>(n));
    for (auto& v : samples) v = noisy(random, kind);
    const auto e = estimate_median(samples);
    held += e.low <= truth && truth <= e.high;
  }
  EXPECT_GE(held, trials * 0.923) << "95 % less three standard errors of " << trials << " trials";
}

TEST_P(Coverage, OfRatiosIsAtLeastWhatIsClaimed) {
  const auto [kind, n] = GetParam();
  Random random(23);
  int held = 0;
  constexpr int trials = 600;
  for (int t = 0; t < trials; ++t) {
    std::vector<double> a, b;
    for (int i = 0; i < n; ++i) {
      const double drift = std::exp(0.3 * std::sin(0.2 * i + t));  // hits both of a pair
      a.push_back(1.5 * drift * noisy(random, kind));
      b.push_back(drift * noisy(random, kind));
    }
    const auto r = estimate_ratio(a, b, 0.99, 0);
    held += r.low <= 1.5 && 1.5 <= r.high;
  }
  EXPECT_GE(held, trials * 0.978) << "99 % less three standard errors";
}

TEST_P(Coverage, FewerThanOneInAHundredIdenticalKernelsIsCalledDifferent) {
  const auto [kind, n] = GetParam();
  Random random(29);
  int different = 0;
  constexpr int trials = 500;
  for (int t = 0; t < trials; ++t) {
    std::vector<double> a, b;
    Ratio r;
    // As the timing loop does: look after every pair from n on, stop when the interval is tight.
    for (int i = 0; i < n + 4; ++i) {
      const double drift = 1 + 0.02 * i;
      a.push_back(drift * noisy(random, kind));
      b.push_back(drift * noisy(random, kind));
      if (i + 1 < n) continue;
      r = estimate_ratio(a, b);
      if (relative_half_width(r) < 0.02) break;
    }
    different += r.win() || r.loss();
  }
  EXPECT_LT(different, trials / 100);
}

INSTANTIATE_TEST_SUITE_P(NormalSkewedHeavy, Coverage,
                         ::testing::Combine(::testing::Values(0, 1, 2), ::testing::Values(9, 21)));

TEST(RatioInterval, FindsARealDifference) {
  Random random(3);
  int wins = 0;
  for (int t = 0; t < 100; ++t) {
    std::vector<double> a, b;
    for (int i = 0; i < 30; ++i) {
      a.push_back(1.1 * noisy(random, 2));
      b.push_back(noisy(random, 2));
    }
    wins += estimate_ratio(a, b).win();
  }
  EXPECT_GT(wins, 75) << "ten percent must show in thirty pairs, one in ten of them spoilt";
}

TEST(RatioInterval, CancelsDriftThatFoolsMedians) {
  std::vector<double> a, b;
  for (int i = 0; i < 20; ++i) {
    const double drift = 1 + i;  // the machine gets twenty times slower
    a.push_back(2 * drift);
    b.push_back(drift);
  }
  const auto r = estimate_ratio(a, b);
  EXPECT_NEAR(r.value, 2, 1e-9);
  EXPECT_NEAR(r.low, 2 / 1.005, 1e-9);
  EXPECT_NEAR(r.high, 2 * 1.005, 1e-9);
}

TEST(RatioInterval, OfTooFewPairsIsWiderThanTheirExtremes) {
  const std::vector<double> a{110, 120, 115}, b{100, 100, 100};
  const auto r = estimate_ratio(a, b);
  EXPECT_LT(r.low, 1.10);
  EXPECT_GT(r.high, 1.20);
}

RC_GTEST_PROP(RatioInterval, TurnsOverWhenSidesAreExchanged, ()) {
  const auto n = *rc::gen::inRange(1, 70);
  Random random(*rc::gen::arbitrary<std::uint64_t>());
  std::vector<double> a, b;
  for (int i = 0; i < n; ++i) {
    a.push_back(noisy(random, 1));
    b.push_back(noisy(random, 2));
  }
  const auto there = estimate_ratio(a, b), back = estimate_ratio(b, a);
  RC_ASSERT(std::abs(there.value * back.value - 1) < 1e-9);
  RC_ASSERT(std::abs(there.low * back.high - 1) < 1e-9);
  RC_ASSERT(there.low <= there.value && there.value <= there.high);
}

}  // namespace
}  // namespace kerf
