#include "synthesize/builtin/cost/experience.h"

#include <map>
#include <optional>
#include <utility>

#include "synthesize/builtin/forms.h"

namespace kerf {

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
    const std::optional<RecipeCost> cost = it->second->costs->of(*recipe);
    if (!cost) continue;
    made.push_back({.measured = &measured,
                    .seconds = cost->seconds,
                    .observation = {.features = cost->features, .log_seconds = measured.log_seconds}});
  }
  return made;
}

Correction corrected_by(std::span<const MeasuredRecipes> sessions) {
  Correction correction;
  for (const MeasuredRecipes& session : sessions) {
    std::vector<Observation> observations;
    for (const CountedRecipe& each : counted(session)) observations.push_back(each.observation);
    correction.learn(observations, Correction::noise_elsewhere);
  }
  return correction;
}

}  // namespace kerf
