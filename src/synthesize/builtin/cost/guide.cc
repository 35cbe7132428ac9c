#include "synthesize/builtin/cost/guide.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

namespace kerf {
namespace {

// Deviations of log time from what is believed, by what has them in common.
constexpr double of_all = 0.5;        // units of a problem
constexpr double of_kind = 0.3;       // its kernels; its calls
constexpr double of_operators = 0.3;  // units that compute the same
constexpr double of_form = 0.2;       // of the same form of the graph
constexpr double of_schedule = 0.1;   // and with the same schedule
constexpr double of_measurement = 0.05;
constexpr double of_clock = 3e-6;   // seconds, of a step
constexpr double misjudged = 0.05;  // log time of two recipes, whatever is known of their units
constexpr double little = 0.01;     // of a recipe: units that do not matter

constexpr double square(double x) { return x * x; }

bool same(const UnitCost& a, const UnitCost& b) {
  return a.operators == b.operators && a.form == b.form && a.schedule == b.schedule;
}

}  // namespace

double Guide::believed(const UnitCost& unit) const { return std::log(usual_seconds) + belief_.mean(unit.features); }

double Guide::together(const UnitCost& a, const UnitCost& b, const Features& spread_of_b) const {
  double sum = square(of_all);
  if (a.is_call() == b.is_call()) sum += square(of_kind);
  if (a.operators == b.operators) {
    sum += square(of_operators);
    if (a.form == b.form) sum += square(of_form) + (a.schedule == b.schedule ? square(of_schedule) : 0);
  }
  for (std::size_t i = 0; i < feature_count; ++i) sum += a.features[i] * spread_of_b[i];
  return sum;
}

void Guide::learn(std::span<const MeasuredUnits> recipes) {
  for (const MeasuredUnits& each : recipes) add(each);
  solve();
}

void Guide::add(const MeasuredUnits& measured) {
  const double total = std::accumulate(measured.seconds.begin(), measured.seconds.end(), 0.0);
  for (std::size_t u = 0; u < measured.seconds.size(); ++u) {
    const UnitCost& unit = measured.recipe->units[u];
    const double seconds = measured.seconds[u];
    if (!(unit.seconds > 0) || !(seconds > little * total)) continue;
    auto it = std::ranges::find_if(known_, [&](const Known& k) { return same(k.unit, unit); });
    if (it == known_.end()) it = known_.insert(it, {.unit = unit, .spread = belief_.spread(unit.features)});
    const double off = std::log(seconds) - believed(it->unit);
    it->log_seconds = (it->log_seconds * it->times + off) / (it->times + 1);
    it->seconds = seconds;
    ++it->times;
  }
}

// As a whole, every time: some hundred units at most.
void Guide::solve() {
  const std::size_t n = known_.size();
  factor_.assign(n * n, 0);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j <= i; ++j) {
      double sum = together(known_[i].unit, known_[j].unit, known_[j].spread);
      if (i == j) sum += (square(of_measurement) + square(of_clock / known_[i].seconds)) / known_[i].times;
      for (std::size_t k = 0; k < j; ++k) sum -= factor_[i * n + k] * factor_[j * n + k];
      factor_[i * n + j] = i == j ? std::sqrt(sum) : sum / factor_[j * n + j];
    }
  answer_.resize(n);
  std::ranges::transform(known_, answer_.begin(), &Known::log_seconds);
  forward(answer_);
  for (std::size_t i = n; i-- > 0;) {
    for (std::size_t k = i + 1; k < n; ++k) answer_[i] -= factor_[k * n + i] * answer_[k];
    answer_[i] /= factor_[i * n + i];
  }
}

void Guide::forward(std::span<double> values) const {
  const std::size_t n = values.size();
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t k = 0; k < i; ++k) values[i] -= factor_[i * n + k] * values[k];
    values[i] /= factor_[i * n + i];
  }
}

// The weights that all problems share, given what was measured of this one: a part of what its units vary together by.
Correction Guide::taught() const {
  const std::size_t n = known_.size();
  std::vector<Features> known(n);
  Features change = {};
  std::vector<Features> spreads(n);
  for (std::size_t i = 0; i < n; ++i) spreads[i] = elsewhere_.spread(known_[i].unit.features);
  std::vector<double> column(n);
  for (std::size_t f = 0; f < feature_count; ++f) {
    for (std::size_t i = 0; i < n; ++i) {
      column[i] = spreads[i][f];
      change[f] += spreads[i][f] * answer_[i];
    }
    forward(column);
    for (std::size_t i = 0; i < n; ++i) known[i][f] = column[i];
  }
  Correction made = elsewhere_;
  made.learn(change, known, static_cast<int>(n));
  return made;
}

double Guide::guessed(const UnitCost& unit) const {
  double sum = believed(unit);
  for (std::size_t i = 0; i < known_.size(); ++i) sum += answer_[i] * together(unit, known_[i].unit, known_[i].spread);
  return sum;
}

double Guide::log_seconds(const RecipeCost& recipe) const {
  double sum = 0;
  for (const UnitCost& unit : recipe.units)
    if (unit.seconds > 0) sum += std::exp(guessed(unit));
  return std::log(sum);
}

Gain Guide::gain(const RecipeCost& from, const RecipeCost& to) const {
  // The logarithm of a sum moves by its terms' shares. What both recipes have does not move their difference.
  std::vector<std::pair<const UnitCost*, double>> parts;
  double log_gain = 0;
  for (const auto& [recipe, sign] : {std::pair(&from, 1.0), std::pair(&to, -1.0)}) {
    const double total = log_seconds(*recipe);
    log_gain += sign * total;
    for (const UnitCost& unit : recipe->units) {
      if (!(unit.seconds > 0)) continue;
      const double share = sign * std::exp(guessed(unit) - total);
      const auto it = std::ranges::find_if(parts, [&](const auto& part) { return same(*part.first, unit); });
      if (it == parts.end()) {
        parts.emplace_back(&unit, share);
      } else {
        it->second += share;
      }
    }
  }
  std::erase_if(parts, [](const auto& part) { return std::abs(part.second) < little; });
  const std::size_t n = known_.size();
  double variance = square(misjudged);
  std::vector<double> covered(n, 0);
  for (const auto& [unit, share] : parts) {
    const Features spread = belief_.spread(unit->features);
    for (const auto& [other, of_other] : parts) variance += share * of_other * together(*other, *unit, spread);
    for (std::size_t i = 0; i < n; ++i) covered[i] += share * together(*unit, known_[i].unit, known_[i].spread);
  }
  forward(covered);
  for (const double each : covered) variance -= square(each);
  return {.mean = log_gain, .deviation = std::sqrt(std::max(square(misjudged), variance))};
}

}  // namespace kerf
