// What is believed of how features change log time, as a normal distribution of their weights. Before anything was
// measured: the formulas' guess itself, weight 1 on its logarithm, 0 on all else, each with a variance
// (feature_table()). What is learned: guide.h.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <vector>

#include "synthesize/builtin/cost/recipe_cost.h"

namespace kerf {

// A gain in log speedup, as a normal belief.
struct Gain {
  double mean = 0, deviation = 1;
};
// Of two independent guesses of one gain, by how sure each is.
[[nodiscard]] Gain joined(const Gain& a, const Gain& b);

class Correction {
 public:
  Correction();  // the belief before anything was measured

  // The weights move by `change`, and their variance loses the outer product of each of `known` with itself: what was
  // found out of `units` units.
  void learn(const Features& change, std::span<const Features> known, int units);
  // For a problem that was not seen: what holds elsewhere need not hold here. The belief is as before, but less sure.
  [[nodiscard]] Correction elsewhere() const;

  // The weighted sum of features: log seconds.
  [[nodiscard]] double mean(const Features& features) const;
  // Of the weights, times features: how guesses vary together is a[i] * spread(b)[i] over all i.
  [[nodiscard]] Features spread(const Features& features) const;
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
