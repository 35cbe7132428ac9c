#include "synthesize/builtin/cost/order_report.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>
#include <utility>

#include "synthesize/builtin/cost/ranking.h"

namespace kerf {
namespace {

// Times of one recipe, of each session that measured it.
using Repeated = std::vector<RecipeTime>;

// Intervals say what a session's rounds differ by. Sessions may differ by more; then that counts.
void join_intervals(RecipePool& pool, const std::vector<Repeated>& times) {
  double squares = 0, freedom = 0;
  for (const Repeated& each : times)
    for (const RecipeTime& time : each) {
      squares += std::pow(time.log_seconds - mean_of(each).log_seconds, 2);
      freedom += 1 - 1 / static_cast<double>(each.size());
    }
  if (freedom > 0) pool.between = std::sqrt(squares / freedom);
  for (const Repeated& each : times)
    pool.deviations.push_back(
        std::max(mean_of(each).deviation, pool.between / std::sqrt(static_cast<double>(each.size()))));
}

RecipePool pool_of(const std::vector<const MeasuredRecipes*>& sessions) {
  RecipePool pool{.problem = sessions.front()->problem->problem.id,
                  .machine = machine_of(sessions.front()->target),
                  .language = to_string(sessions.front()->language)};
  std::map<std::string, std::size_t> at;
  std::vector<Repeated> times;
  for (const MeasuredRecipes* session : sessions)
    for (CountedRecipe& each : counted(*session)) {
      const auto [it, fresh] = at.try_emplace(each.measured->candidate, pool.recipes.size());
      if (fresh) {
        times.emplace_back();
        pool.recipes.push_back(std::move(each));
        times.back().push_back(pool.recipes.back().measured->time);
      } else {
        times[it->second].push_back(each.measured->time);
      }
    }
  for (std::size_t i = 0; i < times.size(); ++i) {
    const RecipeTime mean = mean_of(times[i]);
    pool.measured.push_back(mean.log_seconds);
    pool.recipes[i].seconds = seconds_of_units(pool.recipes[i].cost, mean);
  }
  join_intervals(pool, times);
  return pool;
}

OrderQuality quality_of(const std::vector<double>& guessed, const RecipePool& pool) {
  return {.spearman = spearman(guessed, pool.measured),
          .kendall = kendall(guessed, pool.measured),
          .regret_1 = regret(guessed, pool.measured, 1),
          .regret_5 = regret(guessed, pool.measured, 5)};
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::ranges::sort(values);
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 != 0 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

template <typename Of>
OverRandom over_random_of(std::span<const MeasurementsUntil> problems, Of of) {
  std::vector<double> ratios;
  double sum = 0, random = 0;
  for (const MeasurementsUntil& each : problems) {
    ratios.push_back(of(each) / each.random);
    sum += of(each);
    random += each.random;
  }
  return {.median = median(std::move(ratios)), .together = random > 0 ? sum / random : 0};
}

}  // namespace

std::vector<RecipePool> pools_of(std::span<const MeasuredRecipes> sessions) {
  using Key = std::tuple<std::string, std::string, std::string, std::string>;
  std::map<Key, std::vector<const MeasuredRecipes*>> alike;
  for (const MeasuredRecipes& session : sessions) {
    const Problem& problem = session.problem->problem;
    alike[{problem.id, problem.digest(), machine_of(session.target), to_string(session.language)}].push_back(&session);
  }
  std::vector<RecipePool> pools;
  for (const auto& [key, of_one] : alike)
    if (RecipePool pool = pool_of(of_one); pool.recipes.size() >= 2) pools.push_back(std::move(pool));
  return pools;
}

OrderReport order_report(const RecipePool& pool, std::span<const RecipePool> all, double within) {
  OrderReport report{.pool = &pool};
  Correction others;
  for (const RecipePool& other : all) {
    if (other.problem == pool.problem || other.machine != pool.machine || other.language != pool.language) continue;
    Guide taught(others);
    taught.learn(units_of(other.recipes));
    others = taught.taught();
    ++report.taught_by;
  }
  const Guide guide(others);
  for (const CountedRecipe& recipe : pool.recipes) {
    report.formulas.push_back(std::log(recipe.cost.seconds()));
    report.corrected.push_back(guide.log_seconds(recipe.cost));
  }
  report.by_formulas = quality_of(report.formulas, pool);
  report.by_corrected = quality_of(report.corrected, pool);
  const std::vector<std::size_t> learning = order_learning(units_of(pool.recipes), guide);
  const auto until = [&](const std::vector<bool>& good) {
    const auto in = [&](const std::vector<std::size_t>& order) {
      return static_cast<double>(measurements_in(order, good));
    };
    return MeasurementsUntil{.good = static_cast<std::size_t>(std::ranges::count(good, true)),
                             .random = measurements_at_random(good),
                             .formulas = in(order_by(report.formulas)),
                             .corrected = in(order_by(report.corrected)),
                             .learning = in(learning)};
  };
  report.until_as_good = until(as_good_as_best(pool.measured, pool.deviations));
  report.until_within = until(near_best(pool.measured, within));
  return report;
}

OrdersOverRandom over_random(std::span<const MeasurementsUntil> problems) {
  using Until = const MeasurementsUntil&;
  return {.formulas = over_random_of(problems, [](Until u) { return u.formulas; }),
          .corrected = over_random_of(problems, [](Until u) { return u.corrected; }),
          .learning = over_random_of(problems, [](Until u) { return u.learning; }),
          .oracle = over_random_of(problems, [](Until) { return 1.0; })};
}

}  // namespace kerf
