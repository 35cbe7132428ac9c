// kerf cost: how well the cost model orders what a store has measured.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <tuple>
#include <utility>

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
  std::vector<CountedRecipe> recipes;  // one that was measured in several sessions: their mean
  std::vector<double> measured;        // log seconds
  std::vector<double> deviations;      // of `measured`
  double between = 0;  // deviation of what one recipe was measured to take in several sessions; 0: each in one
};

struct Judged {
  double spearman = 0, kendall = 0, regret_1 = 0, regret_5 = 0;
};
Judged judge(const std::vector<double>& guessed, const Pool& pool) {
  return {.spearman = spearman(guessed, pool.measured),
          .kendall = kendall(guessed, pool.measured),
          .regret_1 = regret(guessed, pool.measured, 1),
          .regret_5 = regret(guessed, pool.measured, 5)};
}
Json to_json(const Judged& j) {
  return {{"spearman", j.spearman}, {"kendall", j.kendall}, {"regret_1", j.regret_1}, {"regret_5", j.regret_5}};
}

// Measurements until one is good, by each order.
struct Until {
  std::size_t good = 0;
  double random = 0, formulas = 0, corrected = 0, learning = 0;
};
Json to_json(const Until& u) {
  return {{"good", u.good},
          {"random", u.random},
          {"formulas", u.formulas},
          {"corrected", u.corrected},
          {"learning", u.learning}};
}

// Intervals say what a session's rounds differ by. Sessions may differ by more; then that counts.
void join_intervals(Pool& pool, const std::vector<std::vector<RecipeTime>>& times) {
  double squares = 0, freedom = 0;
  for (const std::vector<RecipeTime>& each : times)
    for (const RecipeTime& time : each) {
      squares += std::pow(time.log_seconds - mean_of(each).log_seconds, 2);
      freedom += 1 - 1 / static_cast<double>(each.size());
    }
  if (freedom > 0) pool.between = std::sqrt(squares / freedom);
  for (const std::vector<RecipeTime>& each : times)
    pool.deviations.push_back(
        std::max(mean_of(each).deviation, pool.between / std::sqrt(static_cast<double>(each.size()))));
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
    std::map<std::string, std::size_t> at;
    std::vector<std::vector<RecipeTime>> times;
    for (const MeasuredRecipes* session : pool.sessions)
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
    if (pool.recipes.size() < 2) continue;
    for (std::size_t i = 0; i < times.size(); ++i) {
      const RecipeTime mean = mean_of(times[i]);
      pool.measured.push_back(mean.log_seconds);
      pool.recipes[i].seconds = seconds_of_units(pool.recipes[i].cost, mean);
    }
    join_intervals(pool, times);
    made.push_back(std::move(pool));
  }
  return made;
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::ranges::sort(values);
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 != 0 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

// Of an order's measurements over those of a random one: the median over pools, and the sums' ratio. `of` an oracle,
// which knows the times, is 1.
struct OverRandom {
  double median = 0, together = 0;
};
OverRandom over_random(const std::vector<Until>& pools, const std::function<double(const Until&)>& of) {
  std::vector<double> ratios;
  double sum = 0, random = 0;
  for (const Until& u : pools) {
    ratios.push_back(of(u) / u.random);
    sum += of(u);
    random += u.random;
  }
  return {.median = median(ratios), .together = random > 0 ? sum / random : 0};
}
std::vector<std::pair<const char*, OverRandom>> over_random(const std::vector<Until>& pools) {
  return {{"formulas", over_random(pools, [](const Until& u) { return u.formulas; })},
          {"corrected", over_random(pools, [](const Until& u) { return u.corrected; })},
          {"learning", over_random(pools, [](const Until& u) { return u.learning; })},
          {"oracle", over_random(pools, [](const Until&) { return 1.0; })}};
}
Json over_random_json(const std::vector<Until>& pools) {
  Json made;
  for (const auto& [name, over] : over_random(pools))
    made[name] = {{"median", over.median}, {"together", over.together}};
  return made;
}
std::string over_random_text(const std::vector<Until>& pools) {
  constexpr std::array words = {"by the formulas alone", "corrected by other problems", "learning as it goes",
                                "an oracle"};
  std::string text;
  for (std::size_t i = 0; const auto& [name, over] : over_random(pools))
    text += fmt::format("  {:<28}{:.2f}  {:.2f}\n", words.at(i++), over.median, over.together);
  return text;
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
  std::vector<Until> by_intervals, by_percent;
  for (const Pool& pool : pools) {
    if (!options.select.empty() && !glob_matches(options.select, pool.problem)) continue;
    if (pool.measured.size() < options.least) continue;
    // What other problems taught of this machine and language.
    Correction others;
    int taught = 0;
    for (const Pool& other : pools) {
      if (other.problem == pool.problem || other.machine != pool.machine || other.language != pool.language) continue;
      Guide taught_by(others);
      taught_by.learn(units_of(other.recipes));
      others = taught_by.taught();
      ++taught;
    }
    const Guide guide(others);
    std::vector<double> formulas, corrected;
    for (const CountedRecipe& recipe : pool.recipes) {
      formulas.push_back(std::log(recipe.cost.seconds()));
      corrected.push_back(guide.log_seconds(recipe.cost));
    }
    const std::vector<std::size_t> learning = order_learning(units_of(pool.recipes), guide);
    const auto until = [&](const std::vector<bool>& good) {
      const auto in = [&](const std::vector<std::size_t>& order) {
        return static_cast<double>(measurements_in(order, good));
      };
      return Until{.good = static_cast<std::size_t>(std::ranges::count(good, true)),
                   .random = measurements_at_random(good),
                   .formulas = in(order_by(formulas)),
                   .corrected = in(order_by(corrected)),
                   .learning = in(learning)};
    };
    by_intervals.push_back(until(as_good_as_best(pool.measured, pool.deviations)));
    by_percent.push_back(until(near_best(pool.measured, within)));
    const Judged by_formulas = judge(formulas, pool), by_others = judge(corrected, pool);
    Json recipes = Json::array();
    for (std::size_t i = 0; i < pool.measured.size(); ++i)
      recipes.push_back({{"candidate", pool.recipes[i].measured->candidate},
                         {"log_seconds", pool.measured[i]},
                         {"deviation", pool.deviations[i]},
                         {"formulas", formulas[i]},
                         {"corrected", corrected[i]}});
    problems.push_back({{"problem", pool.problem},
                        {"machine", pool.machine},
                        {"language", pool.language},
                        {"candidates", pool.measured.size()},
                        {"between_sessions", pool.between},
                        {"taught_by", taught},
                        {"formulas", to_json(by_formulas)},
                        {"corrected", to_json(by_others)},
                        {"until", to_json(by_intervals.back())},
                        {"until_within", to_json(by_percent.back())},
                        {"recipes", std::move(recipes)}});
    const Until& u = by_intervals.back();
    rows.push_back({pool.problem, fmt::format("{}", pool.measured.size()), fmt::format("{}", u.good),
                    fmt::format("{:.1f}", u.random), fmt::format("{:.0f}", u.formulas),
                    fmt::format("{:.0f}", u.corrected), fmt::format("{:.0f}", u.learning),
                    fmt::format("{:.2f}", by_formulas.spearman), fmt::format("{:.2f}", by_others.spearman),
                    fmt::format("{:.2f}", by_others.kendall), fmt::format("{:.1f} %", 100 * by_others.regret_1),
                    fmt::format("{:.1f} %", 100 * by_others.regret_5)});
  }
  if (options.common.json) {
    TRY(print(Json{{"schema", 2},
                   {"within", within},
                   {"problems", std::move(problems)},
                   {"over_random", over_random_json(by_intervals)},
                   {"over_random_within", over_random_json(by_percent)}}
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
  TRY(print(
      fmt::format("\nMeasurements until one is as good as the best, over what a random order needs, of {} "
                  "problems: median, and all together\n{}Until one is within {:g} % of the best:\n{}",
                  rows.size() - 1, over_random_text(by_intervals), options.within, over_random_text(by_percent))));
  return exit_success;
}

}  // namespace kerf
