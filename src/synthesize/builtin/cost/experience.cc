#include "synthesize/builtin/cost/experience.h"

#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <optional>
#include <utility>

#include "synthesize/builtin/forms.h"

namespace kerf {
namespace {

constexpr double normal_995 = 2.807;  // deviations to either end of an interval of 99.5 %, which is what ratios have

}  // namespace

std::optional<RecipeTime> recipe_time(const Evaluation& evaluation) {
  if (evaluation.verdict != Verdict::measured || !evaluation.receipt) return std::nullopt;
  const Receipt& receipt = *evaluation.receipt;
  if (receipt.quarantined || receipt.evidence != Evidence::silicon || !receipt.timed()) return std::nullopt;
  const auto found = receipt.speedup.find("eager");
  if (found == receipt.speedup.end()) return std::nullopt;
  const Ratio& speedup = found->second;
  if (!(speedup.value > 0) || !(speedup.low > 0)) return std::nullopt;
  RecipeTime made{.log_seconds = -std::log(speedup.value),
                  .deviation = std::log(speedup.high / speedup.low) / 2 / normal_995,
                  .seconds = receipt.time_us.median * 1e-6,
                  .steps_us = {}};
  const auto& metrics = evaluation.diagnosis.metrics;
  for (auto it = metrics.find("step.0"); it != metrics.end();
       it = metrics.find(fmt::format("step.{}", made.steps_us.size())))
    made.steps_us.push_back(it->second.value);
  return made;
}

std::string machine_of(const nlohmann::json& target) {
  if (!target.is_object()) return {};
  const auto text = [](const nlohmann::json& at, const char* key) {
    const auto it = at.is_object() ? at.find(key) : at.end();
    return it != at.end() && it->is_string() ? it->get<std::string>() : std::string();
  };
  if (target.contains("gpu") && target.at("gpu").is_object())
    return target.contains("gpu_at_hand") ? text(target.at("gpu_at_hand"), "name") : std::string();
  return target.contains("machine") ? text(target.at("machine"), "identity") : std::string();
}

RecipeTime mean_of(std::span<const RecipeTime> times) {
  const auto n = static_cast<double>(times.size());
  RecipeTime made{.log_seconds = 0, .deviation = 0, .seconds = 0, .steps_us = times.front().steps_us};
  std::ranges::fill(made.steps_us, 0);
  double squares = 0;
  for (const RecipeTime& time : times) {
    made.log_seconds += time.log_seconds / n;
    made.seconds += time.seconds / n;
    squares += time.deviation * time.deviation;
    if (time.steps_us.size() != made.steps_us.size()) made.steps_us.clear();
    for (std::size_t i = 0; i < made.steps_us.size(); ++i) made.steps_us[i] += time.steps_us[i] / n;
  }
  made.deviation = std::sqrt(squares) / n;
  return made;
}

std::vector<double> seconds_of_units(const RecipeCost& cost, const RecipeTime& time) {
  std::vector<double> made;
  std::size_t steps = 0;
  for (const UnitCost& unit : cost.units) steps += unit.steps;
  // Outputs that are inputs, or given twice, are copied by further steps.
  const bool timed = !time.steps_us.empty() && steps <= time.steps_us.size() && time.steps_us.size() <= steps + 2;
  auto step = time.steps_us.begin();
  for (const UnitCost& unit : cost.units) {
    if (!timed) {
      made.push_back(time.seconds * unit.seconds / cost.seconds());
      continue;
    }
    const auto end = step + static_cast<std::ptrdiff_t>(unit.steps);
    made.push_back(std::accumulate(step, end, 0.0) * 1e-6);
    step = end;
  }
  return made;
}

std::vector<CountedRecipe> counted(const MeasuredRecipes& session) {
  const MachineModel machine = machine_model(session.target, session.language);
  struct Form {
    FormedGraph formed;
    std::optional<RecipeCosts> costs;
  };
  std::map<GraphForm, std::optional<Form>> forms;
  std::vector<CountedRecipe> made;
  for (const MeasuredRecipe& measured : session.recipes) {
    const GraphForm form = form_of(measured.recipe);
    const auto [it, fresh] = forms.try_emplace(form);
    if (fresh)
      if (auto formed = graph_in(*session.problem, form, session.language)) {
        it->second.emplace(std::move(*formed), std::nullopt);
        it->second->costs.emplace(it->second->formed.graph, machine);
      }
    if (!it->second) continue;
    const Result<Recipe> recipe = recipe_from_json(measured.recipe, it->second->formed.graph);
    if (!recipe || recipe->language != session.language) continue;
    std::optional<RecipeCost> cost = it->second->costs->of(*recipe);
    if (!cost) continue;
    std::vector<double> seconds = seconds_of_units(*cost, measured.time);
    made.push_back({.measured = &measured, .cost = *std::move(cost), .seconds = std::move(seconds)});
  }
  return made;
}

std::vector<MeasuredUnits> units_of(std::span<const CountedRecipe> recipes) {
  std::vector<MeasuredUnits> made;
  for (const CountedRecipe& each : recipes) made.push_back({.recipe = &each.cost, .seconds = each.seconds});
  return made;
}

Correction corrected_by(std::span<const MeasuredRecipes> sessions) {
  Correction correction;
  for (const MeasuredRecipes& session : sessions) {
    const std::vector<CountedRecipe> recipes = counted(session);
    Guide guide(correction);
    guide.learn(units_of(recipes));
    correction = guide.taught();
  }
  return correction;
}

}  // namespace kerf
