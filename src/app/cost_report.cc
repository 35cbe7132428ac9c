#include "app/cost_report.h"

#include <cmath>
#include <map>
#include <tuple>
#include <utility>

#include "session/experience.h"
#include "synthesize/builtin/cost/ranking.h"

namespace kerf {

namespace {

OrderQuality quality_of(const std::vector<double>& guessed, const RecipePool& pool, double within) {
  return {.spearman = spearman(guessed, pool.measured),
          .kendall = kendall(guessed, pool.measured),
          .regret_1 = regret(guessed, pool.measured, 1),
          .regret_5 = regret(guessed, pool.measured, 5),
          .measurements = static_cast<double>(measurements_in(order_by(guessed), pool.measured, within))};
}

// A recipe, and in how many sessions it was measured.
struct Repeated {
  CountedRecipe recipe;
  int times = 0;
};

RecipePool pool_of(const std::vector<const MeasuredRecipes*>& sessions) {
  RecipePool pool{.problem = sessions.front()->problem->problem.id,
                  .machine = machine_of(sessions.front()->target),
                  .language = to_string(sessions.front()->language)};
  std::map<std::string, Repeated> recipes;
  for (const MeasuredRecipes* session : sessions)
    for (const CountedRecipe& each : counted(*session)) {
      const auto [it, fresh] = recipes.try_emplace(each.measured->candidate, each);
      if (fresh) {
        pool.candidates.push_back(it->first);
        it->second.recipe.observation.log_seconds = 0;
      }
      it->second.recipe.observation.log_seconds += each.observation.log_seconds;
      ++it->second.times;
    }
  for (const std::string& candidate : pool.candidates) {
    Repeated& found = recipes.at(candidate);
    found.recipe.observation.log_seconds /= found.times;
    pool.observations.push_back(found.recipe.observation);
    pool.formulas.push_back(std::log(found.recipe.seconds));
    pool.measured.push_back(found.recipe.observation.log_seconds);
  }
  return pool;
}

}  // namespace

std::vector<RecipePool> pools_of(const std::vector<MeasuredRecipes>& sessions) {
  using Key = std::tuple<std::string, std::string, std::string, std::string>;
  std::map<Key, std::vector<const MeasuredRecipes*>> alike;
  for (const MeasuredRecipes& session : sessions) {
    const Problem& problem = session.problem->problem;
    alike[{problem.id, problem.digest(), machine_of(session.target), to_string(session.language)}].push_back(&session);
  }
  std::vector<RecipePool> pools;
  for (const auto& [key, of_one] : alike)
    if (RecipePool pool = pool_of(of_one); pool.measured.size() >= 2) pools.push_back(std::move(pool));
  return pools;
}

PoolReport report_on(const RecipePool& pool, const std::vector<RecipePool>& all, double within) {
  PoolReport report{.pool = &pool};
  Correction others;
  for (const RecipePool& other : all) {
    if (other.problem == pool.problem || other.machine != pool.machine || other.language != pool.language) continue;
    others.learn(other.observations, Correction::noise_elsewhere);
    ++report.taught_by;
  }
  const Correction belief = others.elsewhere();
  for (const Observation& o : pool.observations) report.corrected.push_back(belief.score(o.features));
  report.by_formulas = quality_of(pool.formulas, pool, within);
  report.by_others = quality_of(report.corrected, pool, within);
  report.learning =
      static_cast<double>(measurements_in(order_learning(pool.observations, belief), pool.measured, within));
  report.random = measurements_at_random(pool.measured, within);
  return report;
}

}  // namespace kerf
