// How well the cost model orders what was measured, problem by problem.
#pragma once

#include <string>
#include <vector>

#include "synthesize/builtin/cost/experience.h"

namespace kerf {

// All that was measured of one problem at one size on one machine in one language, over its sessions. Times are
// logarithms of seconds, up to what all of a pool have in common.
struct RecipePool {
  std::string problem, machine, language;
  std::vector<std::string> candidates;
  std::vector<Observation> observations;  // a recipe that was measured in several sessions: their mean
  std::vector<double> formulas;
  std::vector<double> measured;
};

// Those of at least two recipes, by problem.
[[nodiscard]] std::vector<RecipePool> pools_of(const std::vector<MeasuredRecipes>& sessions);

// How good one order is (ranking.h).
struct OrderQuality {
  double spearman = 0, kendall = 0, regret_1 = 0, regret_5 = 0;
  double measurements = 0;  // until one is within what was asked of the best
};

struct PoolReport {
  const RecipePool* pool = nullptr;
  int taught_by = 0;              // pools of other problems on the same machine, in the same language
  std::vector<double> corrected;  // the formulas after what those taught
  OrderQuality by_formulas, by_others;
  double learning = 0;  // measurements where the order learns from each, too
  double random = 0;    // measurements in a random order
};

// `pool` is one of `all`; `within`: 0.03 is 3 %. The report points to the pool.
[[nodiscard]] PoolReport report_on(const RecipePool& pool, const std::vector<RecipePool>& all, double within);

}  // namespace kerf
