// Bayesian linear regression of a recipe's log time on its features. What is believed before anything was measured is
// the formulas' sum itself: weight 1 on its logarithm, 0 on all else, each with a variance (feature_table()). Only
// differences between recipes of one problem are learned and told: every problem has a level of its own, about which
// nothing is believed.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <vector>

#include "synthesize/builtin/cost/recipe_cost.h"

namespace kerf {

struct Observation {
  Features features = {};
  double log_seconds = 0;  // up to what all of a problem have in common
};

// A gain in log speedup, as a normal belief.
struct Gain {
  double mean = 0, deviation = 1;
};
// Of two independent guesses of one gain, by how sure each is.
[[nodiscard]] Gain joined(const Gain& a, const Gain& b);

class Correction {
 public:
  Correction();  // the belief before anything was measured

  // Recipes of one problem, of the same sessions. `noise`: deviation of their log times from any such law, which is
  // small among recipes of the problem at hand and large where other problems are to be told of.
  static constexpr double noise_here = 0.1, noise_elsewhere = 0.3;
  void learn(std::span<const Observation> observations, double noise);
  // For a problem that was not seen: what holds elsewhere need not hold here. The belief is as before, but less sure.
  [[nodiscard]] Correction elsewhere() const;

  // What changing a recipe gains: log(seconds before / seconds after).
  [[nodiscard]] Gain gain(const Features& before, const Features& after) const;
  // What all recipes of a problem are ordered by: log seconds, up to a constant.
  [[nodiscard]] double score(const Features& features) const;
  [[nodiscard]] const Features& weights() const { return mean_; }
  [[nodiscard]] int observations() const { return observations_; }

  // {"schema", "features", "mean", "variance": [[…]], "observations"}; what a session keeps. Fails where it was written
  // for other features.
  [[nodiscard]] nlohmann::json to_json() const;
  [[nodiscard]] static Result<Correction> from_json(const nlohmann::json& json);

 private:
  using Matrix = std::vector<double>;  // feature_count squared, by rows

  Features mean_ = {};
  Matrix variance_;
  int observations_ = 0;
};

}  // namespace kerf
