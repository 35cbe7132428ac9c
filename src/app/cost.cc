// kerf cost: how well the cost model orders what a store has measured.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "app/commands.h"
#include "app/console.h"
#include "app/exit.h"
#include "app/wiring.h"
#include "app/words.h"
#include "problem/glob.h"
#include "session/experience.h"
#include "synthesize/builtin/cost/ranking.h"

namespace kerf {

namespace {

using Json = nlohmann::json;

// All that was measured of one problem at one size on one machine, over its sessions.
struct Pool {
  std::string problem, machine, language;
  std::vector<const MeasuredRecipes*> sessions;
  std::vector<std::string> candidates;
  std::vector<Observation> observations;  // a recipe that was measured in several sessions: their mean
  std::vector<double> formulas;           // log seconds
  std::vector<double> measured;
};

struct Judged {
  double spearman = 0, kendall = 0, regret_1 = 0, regret_5 = 0, measurements = 0;
};

Judged judge(const std::vector<double>& guessed, const Pool& pool, double within) {
  return {.spearman = spearman(guessed, pool.measured),
          .kendall = kendall(guessed, pool.measured),
          .regret_1 = regret(guessed, pool.measured, 1),
          .regret_5 = regret(guessed, pool.measured, 5),
          .measurements = static_cast<double>(measurements_in(order_by(guessed), pool.measured, within))};
}

Json to_json(const Judged& j) {
  return {{"spearman", j.spearman},
          {"kendall", j.kendall},
          {"regret_1", j.regret_1},
          {"regret_5", j.regret_5},
          {"measurements", j.measurements}};
}

std::vector<Pool> pools_of(const std::vector<MeasuredRecipes>& sessions) {
  std::map<std::tuple<std::string, std::string, std::string, std::string>, Pool> found;
  for (const MeasuredRecipes& session : sessions) {
    const std::string machine = machine_of(session.target), language = to_string(session.language);
    Pool& pool = found[{session.problem->problem.id, session.problem->problem.digest(), machine, language}];
    pool.problem = session.problem->problem.id;
    pool.machine = machine;
    pool.language = language;
    pool.sessions.push_back(&session);
  }
  std::vector<Pool> made;
  for (auto& [key, pool] : found) {
    std::map<std::string, std::pair<CountedRecipe, int>> recipes;
    std::vector<std::string> order;
    for (const MeasuredRecipes* session : pool.sessions)
      for (const CountedRecipe& each : counted(*session)) {
        const auto [it, fresh] = recipes.try_emplace(each.measured->candidate, each, 0);
        if (fresh) {
          order.push_back(it->first);
          it->second.first.observation.log_seconds = 0;
        }
        it->second.first.observation.log_seconds += each.observation.log_seconds;
        ++it->second.second;
      }
    for (const std::string& candidate : order) {
      auto& [recipe, times] = recipes.at(candidate);
      recipe.observation.log_seconds /= times;
      pool.candidates.push_back(candidate);
      pool.observations.push_back(recipe.observation);
      pool.formulas.push_back(std::log(recipe.seconds));
      pool.measured.push_back(recipe.observation.log_seconds);
    }
    if (pool.measured.size() >= 2) made.push_back(std::move(pool));
  }
  return made;
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
  const std::vector<Pool> pools = pools_of(sessions);
  const double within = options.within / 100;
  Json problems = Json::array();
  std::vector<std::vector<std::string>> rows;
  std::vector<double> ratios, formulas_ratios, learning_ratios;
  for (const Pool& pool : pools) {
    if (!options.select.empty() && !glob_matches(options.select, pool.problem)) continue;
    if (pool.measured.size() < options.least) continue;
    // What other problems taught of this machine and language.
    Correction others;
    int taught = 0;
    for (const Pool& other : pools) {
      if (other.problem == pool.problem || other.machine != pool.machine || other.language != pool.language) continue;
      others.learn(other.observations, Correction::noise_elsewhere);
      ++taught;
    }
    const Correction belief = others.elsewhere();
    std::vector<double> corrected;
    for (const Observation& o : pool.observations) corrected.push_back(belief.score(o.features));
    const Judged by_formulas = judge(pool.formulas, pool, within), by_others = judge(corrected, pool, within);
    const std::vector<std::size_t> order = order_learning(pool.observations, belief);
    const auto learning = static_cast<double>(measurements_in(order, pool.measured, within));
    const double random = measurements_at_random(pool.measured, within);
    formulas_ratios.push_back(by_formulas.measurements / random);
    ratios.push_back(by_others.measurements / random);
    learning_ratios.push_back(learning / random);
    Json recipes = Json::array();
    for (std::size_t i = 0; i < pool.measured.size(); ++i)
      recipes.push_back({{"candidate", pool.candidates[i]},
                         {"log_seconds", pool.measured[i]},
                         {"formulas", pool.formulas[i]},
                         {"corrected", corrected[i]},
                         {"features", pool.observations[i].features}});
    problems.push_back({{"problem", pool.problem},
                        {"machine", pool.machine},
                        {"language", pool.language},
                        {"candidates", pool.measured.size()},
                        {"taught_by", taught},
                        {"random", random},
                        {"formulas", to_json(by_formulas)},
                        {"corrected", to_json(by_others)},
                        {"learning", {{"measurements", learning}}},
                        {"recipes", std::move(recipes)}});
    rows.push_back({pool.problem, fmt::format("{}", pool.measured.size()), fmt::format("{:.1f}", random),
                    fmt::format("{:.2f}", by_formulas.spearman), fmt::format("{:.0f}", by_formulas.measurements),
                    fmt::format("{:.2f}", by_others.spearman), fmt::format("{:.2f}", by_others.kendall),
                    fmt::format("{:.1f} %", 100 * by_others.regret_1),
                    fmt::format("{:.1f} %", 100 * by_others.regret_5), fmt::format("{:.0f}", by_others.measurements),
                    fmt::format("{:.0f}", learning)});
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
