// kerf cost: how well the cost model orders what a store has measured.
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "app/commands.h"
#include "app/console.h"
#include "app/exit.h"
#include "app/wiring.h"
#include "app/words.h"
#include "problem/glob.h"
#include "session/experience.h"
#include "synthesize/builtin/cost/order_report.h"

namespace kerf {

namespace {

using Json = nlohmann::json;

Json json_of(const OrderQuality& q) {
  return {{"spearman", q.spearman}, {"kendall", q.kendall}, {"regret_1", q.regret_1}, {"regret_5", q.regret_5}};
}
Json json_of(const MeasurementsUntil& u) {
  return {{"good", u.good},
          {"random", u.random},
          {"formulas", u.formulas},
          {"corrected", u.corrected},
          {"learning", u.learning}};
}
Json json_of(const OverRandom& over) { return {{"median", over.median}, {"together", over.together}}; }
Json json_of(const OrdersOverRandom& over) {
  return {{"formulas", json_of(over.formulas)},
          {"corrected", json_of(over.corrected)},
          {"learning", json_of(over.learning)},
          {"oracle", json_of(over.oracle)}};
}
Json json_of(const OrderReport& report) {
  const RecipePool& pool = *report.pool;
  Json recipes = Json::array();
  for (std::size_t i = 0; i < pool.measured.size(); ++i)
    recipes.push_back({{"candidate", pool.recipes[i].measured->candidate},
                       {"log_seconds", pool.measured[i]},
                       {"deviation", pool.deviations[i]},
                       {"formulas", report.formulas[i]},
                       {"corrected", report.corrected[i]}});
  return {{"problem", pool.problem},
          {"machine", pool.machine},
          {"language", pool.language},
          {"candidates", pool.measured.size()},
          {"between_sessions", pool.between},
          {"taught_by", report.taught_by},
          {"formulas", json_of(report.by_formulas)},
          {"corrected", json_of(report.by_corrected)},
          {"until", json_of(report.until_as_good)},
          {"until_within", json_of(report.until_within)},
          {"recipes", std::move(recipes)}};
}

std::vector<std::string> row_of(const OrderReport& report) {
  const MeasurementsUntil& u = report.until_as_good;
  return {report.pool->problem,
          fmt::format("{}", report.pool->measured.size()),
          fmt::format("{}", u.good),
          fmt::format("{:.1f}", u.random),
          fmt::format("{:.0f}", u.formulas),
          fmt::format("{:.0f}", u.corrected),
          fmt::format("{:.0f}", u.learning),
          fmt::format("{:.2f}", report.by_formulas.spearman),
          fmt::format("{:.2f}", report.by_corrected.spearman),
          fmt::format("{:.2f}", report.by_corrected.kendall),
          fmt::format("{:.1f} %", 100 * report.by_corrected.regret_1),
          fmt::format("{:.1f} %", 100 * report.by_corrected.regret_5)};
}
std::string words_of(const OrdersOverRandom& over) {
  std::string text;
  for (const auto& [words, order] :
       {std::pair("by the formulas alone", over.formulas), std::pair("corrected by other problems", over.corrected),
        std::pair("learning as it goes", over.learning), std::pair("an oracle", over.oracle)})
    text += fmt::format("  {:<28}{:.2f}  {:.2f}\n", words, order.median, order.together);
  return text;
}

}  // namespace

Result<int> show_cost(const CostOptions& options) {
  std::vector<std::string> stores = options.stores;
  if (stores.empty()) stores.push_back(options.common.store);
  std::vector<MeasuredRecipes> sessions;
  for (const std::string& path : stores) {
    const auto wiring = TRY(Wiring::open_to_read(path));
    for (MeasuredRecipes& session :
         TRY(load_experience(wiring->store(), {.machine = {}, .harness = std::nullopt, .recipes = options.recipes})))
      sessions.push_back(std::move(session));
  }
  const std::vector<RecipePool> pools = pools_of(sessions);
  const double within = options.within / 100;
  Json problems = Json::array();
  std::vector<std::vector<std::string>> rows;
  std::vector<MeasurementsUntil> as_good, near;
  for (const RecipePool& pool : pools) {
    if (!options.select.empty() && !glob_matches(options.select, pool.problem)) continue;
    if (pool.measured.size() < options.least) continue;
    const OrderReport report = order_report(pool, pools, within);
    as_good.push_back(report.until_as_good);
    near.push_back(report.until_within);
    problems.push_back(json_of(report));
    rows.push_back(row_of(report));
  }
  if (options.common.json) {
    TRY(print(Json{{"schema", 2},
                   {"within", within},
                   {"problems", std::move(problems)},
                   {"over_random", json_of(over_random(as_good))},
                   {"over_random_within", json_of(over_random(near))}}
                  .dump(2) +
              "\n"));
    return exit_success;
  }
  if (rows.empty()) {
    TRY(print("the store holds no problem of which enough recipes were measured\n"));
    return exit_success;
  }
  rows.insert(rows.begin(), {"problem", "recipes", "good", "random", "formulas", "corrected", "learning",
                             "formulas: rho", "corrected: rho", "tau", "regret@1", "regret@5"});
  TRY(print(table(rows, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11})));
  TRY(
      print(fmt::format("\nMeasurements until one is as good as the best, over what a random order needs, of {} "
                        "problems: median, and all together\n{}Until one is within {:g} % of the best:\n{}",
                        rows.size() - 1, words_of(over_random(as_good)), options.within, words_of(over_random(near)))));
  return exit_success;
}

}  // namespace kerf
