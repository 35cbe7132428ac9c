// What was measured of recipes, for the cost model. Whoever has a store fills it (session/experience.h).
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "candidate/candidate.h"
#include "synthesize/builtin/cost/correction.h"

namespace kerf {

struct MeasuredRecipe {
  std::string candidate;  // digest
  nlohmann::json recipe;
  double log_seconds = 0;  // against eager of the same rounds, whose time all of a session have in common
};

// One session: a problem on a machine.
struct MeasuredRecipes {
  std::string session;
  std::shared_ptr<const Understood> problem;
  nlohmann::json target;  // as in requests
  Language language = Language::cpp;
  std::vector<MeasuredRecipe> recipes;  // in the order in which they were measured
};

// What the formulas say of each recipe, in their order; those that do not lower any more are left out.
struct CountedRecipe {
  const MeasuredRecipe* measured = nullptr;
  double seconds = 0;
  Observation observation;
};
[[nodiscard]] std::vector<CountedRecipe> counted(const MeasuredRecipes& session);

// The belief after all of them.
[[nodiscard]] Correction corrected_by(std::span<const MeasuredRecipes> sessions);

}  // namespace kerf
