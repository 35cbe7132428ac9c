// The cost model at work in a session: what other sessions taught, and what this one has measured so far, unit by unit.
//
// Log times of units are a Gaussian process (Rasmussen and Williams 2006, 2.2 and 2.7). Its mean is the formulas' guess
// as corrected elsewhere. Two units vary together the more, the more they have in common: that both are kernels, or
// calls; the operators; the form of the graph; features; the schedule. So a unit that was measured, as a library call
// that is in every recipe, is known; another schedule of a kernel that was measured is guessed by what differs; and
// only what is new altogether is left to the formulas.
#pragma once

#include <span>
#include <vector>

#include "synthesize/builtin/cost/correction.h"

namespace kerf {

// A recipe, and what was measured of each of its units, in seconds (seconds_of_units).
struct MeasuredUnits {
  const RecipeCost* recipe = nullptr;
  std::span<const double> seconds;
};

class Guide {
 public:
  // What is believed of a problem that was not seen.
  explicit Guide(const Correction& elsewhere) : elsewhere_(elsewhere), belief_(elsewhere.elsewhere()) {}

  // Recipes of the problem at hand were measured.
  void learn(std::span<const MeasuredUnits> recipes);
  // What is believed of all problems after this one.
  [[nodiscard]] Correction taught() const;
  [[nodiscard]] double log_seconds(const RecipeCost& recipe) const;
  // What changing one recipe into another should gain.
  [[nodiscard]] Gain gain(const RecipeCost& from, const RecipeCost& to) const;

 private:
  struct Known {
    UnitCost unit;
    Features spread;
    double log_seconds = 0;  // the mean, less what was believed
    double seconds = 0;
    int times = 0;
  };
  [[nodiscard]] double believed(const UnitCost& unit) const;
  [[nodiscard]] double together(const UnitCost& a, const UnitCost& b, const Features& spread_of_b) const;
  [[nodiscard]] double guessed(const UnitCost& unit) const;
  void add(const MeasuredUnits& measured);
  void solve();
  // Solves factor_ x = values, in place.
  void forward(std::span<double> values) const;

  Correction elsewhere_, belief_;
  std::vector<Known> known_;
  std::vector<double> factor_;  // Cholesky's, by rows, of how known units vary together
  std::vector<double> answer_;  // that matrix's inverse times what was measured
};

}  // namespace kerf
