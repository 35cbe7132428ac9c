#include "synthesize/builtin/cost/correction.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>

namespace kerf {
namespace {

constexpr std::size_t n = feature_count;

double dot(const Features& a, const Features& b) {
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

Features times(const std::vector<double>& matrix, const Features& v) {
  Features made = {};
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) made[i] += matrix[i * n + j] * v[j];
  return made;
}

}  // namespace

Correction::Correction() : variance_(n * n, 0) {
  mean_[0] = 1;
  for (std::size_t i = 0; i < n; ++i) variance_[i * n + i] = std::pow(feature_table().at(i).everywhere, 2);
}

void Correction::learn(const Features& change, std::span<const Features> known, int units) {
  for (std::size_t i = 0; i < n; ++i) mean_[i] += change[i];
  for (const Features& each : known)
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j) variance_[i * n + j] -= each[i] * each[j];
  observations_ += units;
}

Correction Correction::elsewhere() const {
  Correction made = *this;
  for (std::size_t i = 0; i < n; ++i) made.variance_[i * n + i] += std::pow(feature_table().at(i).here, 2);
  return made;
}

Gain joined(const Gain& a, const Gain& b) {
  const double of_a = 1 / (a.deviation * a.deviation), of_b = 1 / (b.deviation * b.deviation);
  return {.mean = (a.mean * of_a + b.mean * of_b) / (of_a + of_b), .deviation = 1 / std::sqrt(of_a + of_b)};
}

double Correction::mean(const Features& features) const { return dot(mean_, features); }

Features Correction::spread(const Features& features) const { return times(variance_, features); }

nlohmann::json Correction::to_json() const {
  nlohmann::json variance = nlohmann::json::array();
  for (std::size_t i = 0; i < n; ++i)
    variance.push_back(std::vector<double>(variance_.begin() + static_cast<std::ptrdiff_t>(i * n),
                                           variance_.begin() + static_cast<std::ptrdiff_t>((i + 1) * n)));
  std::vector<std::string> names;
  for (const Feature& feature : feature_table()) names.emplace_back(feature.name);
  return {{"schema", 1},
          {"features", names},
          {"mean", mean_},
          {"variance", std::move(variance)},
          {"observations", observations_}};
}

Result<Correction> Correction::from_json(const nlohmann::json& json) {
  try {
    Correction made;
    const auto names = json.at("features").get<std::vector<std::string>>();
    if (json.at("schema") != 1 || !std::ranges::equal(names, feature_table(), {}, {}, &Feature::name))
      return fail(ErrorKind::user, "a correction of the cost model is of another version");
    made.mean_ = json.at("mean").get<Features>();
    const auto rows = json.at("variance").get<std::vector<std::vector<double>>>();
    if (rows.size() != n) return fail(ErrorKind::user, "a correction of the cost model is damaged");
    for (std::size_t i = 0; i < n; ++i) {
      if (rows[i].size() != n) return fail(ErrorKind::user, "a correction of the cost model is damaged");
      std::ranges::copy(rows[i], made.variance_.begin() + static_cast<std::ptrdiff_t>(i * n));
    }
    made.observations_ = json.at("observations").get<int>();
    return made;
  } catch (const nlohmann::json::exception& e) {
    return fail(ErrorKind::user, std::string("a correction of the cost model cannot be read: ") + e.what());
  }
}

}  // namespace kerf
