// How well orders of recipes by the cost model find what was measured to be fast, problem by problem.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "synthesize/builtin/cost/experience.h"

namespace kerf {

// All that was measured of one problem at one size on one machine in one language, over its sessions.
struct RecipePool {
  std::string problem, machine, language;
  std::vector<CountedRecipe> recipes;  // as they first came
  std::vector<double> measured;        // log seconds against eager's; of several sessions: their mean
  std::vector<double> deviations;      // of `measured`
  double between = 0;  // deviation of what one recipe was measured to take in several sessions; 0: each in one
};

// Those of at least two recipes, by problem. They point into the sessions.
[[nodiscard]] std::vector<RecipePool> pools_of(std::span<const MeasuredRecipes> sessions);

// How good one order is (ranking.h).
struct OrderQuality {
  double spearman = 0, kendall = 0, regret_1 = 0, regret_5 = 0;
};

// Measurements until one is good, by each order.
struct MeasurementsUntil {
  std::size_t good = 0;  // how many are
  double random = 0, formulas = 0, corrected = 0, learning = 0;
};

struct OrderReport {
  const RecipePool* pool = nullptr;
  int taught_by = 0;                        // pools of other problems on the same machine, in the same language
  std::vector<double> formulas, corrected;  // log seconds: guessed by formulas alone, and after what those taught
  OrderQuality by_formulas, by_corrected;
  MeasurementsUntil until_as_good;  // as measurements do not tell from the best
  MeasurementsUntil until_within;   // so near to the best, whatever intervals say
};

// `pool` is one of `all`, which teach it; `within`: 0.03 is 3 %. The report points to the pool.
[[nodiscard]] OrderReport order_report(const RecipePool& pool, std::span<const RecipePool> all, double within);

// Of an order's measurements over those of a random one: the median over problems, and the quotient of sums.
struct OverRandom {
  double median = 0, together = 0;
};
struct OrdersOverRandom {
  OverRandom formulas, corrected, learning;
  OverRandom oracle;  // which knows the times: 1 measurement
};
[[nodiscard]] OrdersOverRandom over_random(std::span<const MeasurementsUntil> problems);

}  // namespace kerf
