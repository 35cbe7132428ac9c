#include "evaluate/statistics.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>

namespace kerf {
namespace {

constexpr int exact_up_to = 40;

double middle(const std::vector<double>& sorted) {
  const auto n = sorted.size();
  return n % 2 == 1 ? sorted[n / 2] : 0.5 * (sorted[n / 2 - 1] + sorted[n / 2]);
}

// Smallest z with P(|Z| > z) <= 1 - confidence, by bisection on erfc.
double two_sided_quantile(double confidence) {
  double low = 0, high = 40;
  for (int i = 0; i < 200; ++i) {
    const double z = 0.5 * (low + high);
    (std::erfc(z / std::sqrt(2.0)) > 1 - confidence ? low : high) = z;
  }
  return high;
}

}  // namespace

int median_cut(int n, double confidence) {
  // P(B < k) for B ~ binomial(n, 1/2), summed in logarithms so that large n does not underflow to nonsense.
  const double tail = 0.5 * (1 - confidence);
  double sum = 0;
  int k = 0;
  for (; k < n / 2; ++k) {
    sum += std::exp(std::lgamma(n + 1.0) - std::lgamma(k + 1.0) - std::lgamma(n - k + 1.0) - n * std::log(2.0));
    if (sum > tail) break;
  }
  return k - 1;  // [x_(k), x_(n+1-k)] leaves P(B < k) = sum of the first k terms on each side
}

int signed_rank_cut(int n, double confidence) {
  const double tail = 0.5 * (1 - confidence);
  if (n > exact_up_to) {
    const double pairs = 0.25 * n * (n + 1.0);
    const double deviation = std::sqrt(n * (n + 1.0) * (2.0 * n + 1.0) / 24);
    return std::max(-1, static_cast<int>(std::floor(pairs - 0.5 - two_sided_quantile(confidence) * deviation)) - 1);
  }
  // How many of the 2^n sign patterns give each rank sum.
  std::vector<double> ways(static_cast<std::size_t>(n) * (n + 1) / 2 + 1, 0.0);
  ways[0] = 1;
  for (int rank = 1; rank <= n; ++rank) {
    for (std::size_t s = ways.size(); s-- > static_cast<std::size_t>(rank);) ways[s] += ways[s - rank];
  }
  const double all = std::ldexp(1.0, n);
  double sum = 0;
  int t = 0;
  for (; t < static_cast<int>(ways.size()); ++t) {
    sum += ways[static_cast<std::size_t>(t)] / all;
    if (sum > tail) break;
  }
  return t - 1;
}

Estimate estimate_median(std::span<const double> samples, double confidence) {
  if (samples.empty()) return {};
  std::vector<double> sorted(samples.begin(), samples.end());
  std::ranges::sort(sorted);
  const int n = static_cast<int>(sorted.size());
  const auto cut = static_cast<std::size_t>(std::max(0, median_cut(n, confidence)));
  return {.median = middle(sorted), .low = sorted[cut], .high = sorted[sorted.size() - 1 - cut], .samples = n};
}

Ratio estimate_ratio(std::span<const double> baseline, std::span<const double> time, double confidence,
                     double systematic) {
  assert(baseline.size() == time.size());
  if (time.empty()) return {};
  std::vector<double> logs;
  for (std::size_t i = 0; i < time.size(); ++i) logs.push_back(std::log(baseline[i] / time[i]));
  std::vector<double> walsh;
  walsh.reserve(logs.size() * (logs.size() + 1) / 2);
  for (std::size_t i = 0; i < logs.size(); ++i) {
    for (std::size_t j = i; j < logs.size(); ++j) walsh.push_back(0.5 * (logs[i] + logs[j]));
  }
  std::ranges::sort(walsh);
  const double centre = middle(walsh);
  const int cut = signed_rank_cut(static_cast<int>(logs.size()), confidence);
  double low = walsh[static_cast<std::size_t>(std::max(0, cut))];
  double high = walsh[walsh.size() - 1 - static_cast<std::size_t>(std::max(0, cut))];
  if (cut < 0) {  // too few pairs: no interval of them reaches the confidence
    const double spread = high - low;
    low -= 0.5 * spread;
    high += 0.5 * spread;
  }
  const double wider = std::log1p(systematic);
  return {.value = std::exp(centre), .low = std::exp(low - wider), .high = std::exp(high + wider)};
}

double relative_half_width(const Estimate& e) {
  return e.median > 0 ? 0.5 * (e.high - e.low) / e.median : std::numeric_limits<double>::infinity();
}
double relative_half_width(const Ratio& r) {
  return r.value > 0 ? 0.5 * (r.high - r.low) / r.value : std::numeric_limits<double>::infinity();
}

}  // namespace kerf
