#include "synthesize/builtin/cost/ranking.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace kerf {
namespace {

double smallest(std::span<const double> values) { return *std::ranges::min_element(values); }

std::vector<double> ranks(std::span<const double> values) {
  const std::vector<std::size_t> order = order_by(values);
  std::vector<double> made(values.size());
  for (std::size_t i = 0; i < order.size();) {
    std::size_t end = i;
    while (end < order.size() && values[order[end]] == values[order[i]]) ++end;
    for (std::size_t k = i; k < end; ++k) made[order[k]] = static_cast<double>(i + end - 1) / 2;
    i = end;
  }
  return made;
}

}  // namespace

double spearman(std::span<const double> guessed, std::span<const double> measured) {
  const std::vector<double> a = ranks(guessed), b = ranks(measured);
  const double mean = (static_cast<double>(a.size()) - 1) / 2;
  double both = 0, of_a = 0, of_b = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    both += (a[i] - mean) * (b[i] - mean);
    of_a += (a[i] - mean) * (a[i] - mean);
    of_b += (b[i] - mean) * (b[i] - mean);
  }
  return of_a > 0 && of_b > 0 ? both / std::sqrt(of_a * of_b) : 0;
}

double kendall(std::span<const double> guessed, std::span<const double> measured) {
  const auto sign = [](double d) { return d > 0 ? 1 : d < 0 ? -1 : 0; };
  double both = 0, of_a = 0, of_b = 0;
  for (std::size_t i = 0; i < guessed.size(); ++i)
    for (std::size_t j = 0; j < i; ++j) {
      const int a = sign(guessed[i] - guessed[j]), b = sign(measured[i] - measured[j]);
      both += a * b;
      of_a += a * a;
      of_b += b * b;
    }
  return of_a > 0 && of_b > 0 ? both / std::sqrt(of_a * of_b) : 0;
}

double regret(std::span<const double> guessed, std::span<const double> measured, std::size_t k) {
  const std::vector<std::size_t> order = order_by(guessed);
  double best = measured[order[0]];
  for (std::size_t i = 1; i < std::min(k, order.size()); ++i) best = std::min(best, measured[order[i]]);
  return std::exp(best - smallest(measured)) - 1;
}

std::vector<bool> as_good_as_best(std::span<const double> measured, std::span<const double> deviations) {
  const auto best = static_cast<std::size_t>(std::ranges::min_element(measured) - measured.begin());
  std::vector<bool> good;
  for (std::size_t i = 0; i < measured.size(); ++i)
    good.push_back(measured[i] - measured[best] <= 1.96 * std::hypot(deviations[i], deviations[best]));
  return good;
}

std::vector<bool> near_best(std::span<const double> measured, double within) {
  const double limit = smallest(measured) + std::log1p(within);
  std::vector<bool> good;
  for (const double m : measured) good.push_back(m <= limit);
  return good;
}

std::size_t measurements_in(std::span<const std::size_t> order, const std::vector<bool>& good) {
  for (std::size_t i = 0; i < order.size(); ++i)
    if (good[order[i]]) return i + 1;
  return order.size();
}

double measurements_at_random(const std::vector<bool>& good) {
  return (static_cast<double>(good.size()) + 1) / (static_cast<double>(std::ranges::count(good, true)) + 1);
}

std::vector<std::size_t> order_by(std::span<const double> guessed) {
  std::vector<std::size_t> order(guessed.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return guessed[i]; });
  return order;
}

std::vector<std::size_t> order_learning(std::span<const MeasuredUnits> pool, Guide guide) {
  std::vector<std::size_t> left(pool.size()), order;
  std::iota(left.begin(), left.end(), 0);
  while (!left.empty()) {
    const auto next =
        std::ranges::min_element(left, {}, [&](std::size_t i) { return guide.log_seconds(*pool[i].recipe); });
    order.push_back(*next);
    guide.learn(pool.subspan(*next, 1));
    left.erase(next);
  }
  return order;
}

}  // namespace kerf
