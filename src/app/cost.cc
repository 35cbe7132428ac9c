// kerf cost: how well the cost model orders what a store has measured.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "app/commands.h"
#include "app/console.h"
#include "app/cost_report.h"
#include "app/exit.h"
#include "app/wiring.h"
#include "app/words.h"
#include "problem/glob.h"
#include "session/experience.h"

namespace kerf {

namespace {

using Json = nlohmann::json;

Json to_json(const OrderQuality& q) {
  return {{"spearman", q.spearman},
          {"kendall", q.kendall},
          {"regret_1", q.regret_1},
          {"regret_5", q.regret_5},
          {"measurements", q.measurements}};
}

Json to_json(const PoolReport& report) {
  const RecipePool& pool = *report.pool;
  Json recipes = Json::array();
  for (std::size_t i = 0; i < pool.measured.size(); ++i)
    recipes.push_back({{"candidate", pool.candidates[i]},
                       {"log_seconds", pool.measured[i]},
                       {"formulas", pool.formulas[i]},
                       {"corrected", report.corrected[i]},
                       {"features", pool.observations[i].features}});
  return {{"problem", pool.problem},
          {"machine", pool.machine},
          {"language", pool.language},
          {"candidates", pool.measured.size()},
          {"taught_by", report.taught_by},
          {"random", report.random},
          {"formulas", to_json(report.by_formulas)},
          {"corrected", to_json(report.by_others)},
          {"learning", {{"measurements", report.learning}}},
          {"recipes", std::move(recipes)}};
}

std::vector<std::string> row_of(const PoolReport& report) {
  const OrderQuality &formulas = report.by_formulas, &others = report.by_others;
  return {report.pool->problem,
          fmt::format("{}", report.pool->measured.size()),
          fmt::format("{:.1f}", report.random),
          fmt::format("{:.2f}", formulas.spearman),
          fmt::format("{:.0f}", formulas.measurements),
          fmt::format("{:.2f}", others.spearman),
          fmt::format("{:.2f}", others.kendall),
          fmt::format("{:.1f} %", 100 * others.regret_1),
          fmt::format("{:.1f} %", 100 * others.regret_5),
          fmt::format("{:.0f}", others.measurements),
          fmt::format("{:.0f}", report.learning)};
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::ranges::sort(values);
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 != 0 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

}  // namespace

Result<int> show_cost(const CostOptions& options) {
  std::vector<std::string> stores = options.stores;
  if (stores.empty()) stores.push_back(options.common.store);
  std::vector<MeasuredRecipes> sessions;
  for (const std::string& path : stores) {
    if (std::error_code code; !path.empty() && !std::filesystem::is_regular_file(path, code))
      return user_error(fmt::format("there is no store {}", path));
    const auto wiring = TRY(Wiring::open({.store = path, .machine = false}));
    for (MeasuredRecipes& session :
         TRY(load_experience(wiring->store(), {.machine = {}, .harness = std::nullopt, .recipes = options.recipes})))
      sessions.push_back(std::move(session));
  }
  const std::vector<RecipePool> pools = pools_of(sessions);
  Json problems = Json::array();
  std::vector<std::vector<std::string>> rows;
  std::vector<double> ratios, formulas_ratios, learning_ratios;
  const double within = options.within / 100;
  for (const RecipePool& pool : pools) {
    if (!options.select.empty() && !glob_matches(options.select, pool.problem)) continue;
    if (pool.measured.size() < options.least) continue;
    const PoolReport report = report_on(pool, pools, within);
    formulas_ratios.push_back(report.by_formulas.measurements / report.random);
    ratios.push_back(report.by_others.measurements / report.random);
    learning_ratios.push_back(report.learning / report.random);
    problems.push_back(to_json(report));
    rows.push_back(row_of(report));
  }
  if (options.common.json) {
    Json features = Json::array();
    for (const Feature& feature : feature_table()) features.push_back(feature.name);
    TRY(print(Json{{"schema", 1},
                   {"within", within},
                   {"features", std::move(features)},
                   {"problems", std::move(problems)},
                   {"median_of_random",
                    {{"formulas", median(formulas_ratios)},
                     {"corrected", median(ratios)},
                     {"learning", median(learning_ratios)}}}}
                  .dump(2) +
              "\n"));
    return exit_success;
  }
  if (rows.empty()) {
    TRY(print("the store holds no problem of which enough recipes were measured\n"));
    return exit_success;
  }
  rows.insert(rows.begin(), {"problem", "recipes", "random", "formulas: rho", "until", "corrected: rho", "tau",
                             "regret@1", "regret@5", "until", "learning: until"});
  TRY(print(table(rows, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10})));
  TRY(print(
      fmt::format("\nMeasurements until one is within {:g} % of the best, over what a random order needs, median of {} "
                  "problems: {:.2f} by the formulas, {:.2f} corrected by other problems, {:.2f} learning as it goes\n",
                  options.within, ratios.size(), median(formulas_ratios), median(ratios), median(learning_ratios))));
  return exit_success;
}

}  // namespace kerf
