// What was measured of recipes, for the cost model. Whoever has a store fills it (session/experience.h).
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "candidate/candidate.h"
#include "evaluate/evaluation.h"
#include "synthesize/builtin/cost/guide.h"

namespace kerf {

struct RecipeTime {
  double log_seconds = 0;        // against eager of the same rounds, whose time all of a session have in common
  double deviation = 0;          // as its interval says
  double seconds = 0;            // its own
  std::vector<double> steps_us;  // of each step of the plan; empty where they were not timed
};
// nullopt where the evaluation has no time that counts: wrong, quarantined, emulated.
[[nodiscard]] std::optional<RecipeTime> recipe_time(const Evaluation& evaluation);
// Of several times of one recipe.
[[nodiscard]] RecipeTime mean_of(std::span<const RecipeTime> times);

struct MeasuredRecipe {
  std::string candidate;  // digest
  nlohmann::json recipe;
  RecipeTime time = {};
};

// One session: a problem on a machine.
struct MeasuredRecipes {
  std::string session;
  std::shared_ptr<const Understood> problem;
  nlohmann::json target;  // as in requests
  Language language = Language::cpp;
  std::vector<MeasuredRecipe> recipes;  // in the order in which they were measured
};

// The machine of a request's target: its identity, of a GPU its name. Empty where nothing is known of it.
[[nodiscard]] std::string machine_of(const nlohmann::json& target);

// What the formulas say of each recipe, in their order; those that do not lower any more are left out.
struct CountedRecipe {
  const MeasuredRecipe* measured = nullptr;
  RecipeCost cost;
  std::vector<double> seconds;  // of each unit
};
[[nodiscard]] std::vector<MeasuredUnits> units_of(std::span<const CountedRecipe> recipes);
[[nodiscard]] std::vector<CountedRecipe> counted(const MeasuredRecipes& session);

// What was measured of each unit; where steps were not timed, or are not those of the recipe, its share of the whole by
// the formulas.
[[nodiscard]] std::vector<double> seconds_of_units(const RecipeCost& cost, const RecipeTime& time);

// The belief after all of them.
[[nodiscard]] Correction corrected_by(std::span<const MeasuredRecipes> sessions);

}  // namespace kerf
