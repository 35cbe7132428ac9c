// What a store holds of recipes that were measured: what the cost model of the built-in synthesizer learns from.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "store/store.h"
#include "synthesize/builtin/cost/experience.h"

namespace kerf {

// Which sessions count; empty: all.
struct ExperienceFilter {
  std::string machine;         // that measured (machine_of)
  std::optional<int> harness;  // version of the harness that measured: times of another one are others
  std::string problem = {};    // Problem::id
  std::string session = {};    // full id
  std::string target = {};
  std::optional<Language> language = {};
  std::size_t recipes = 4096;  // at most, of the newest sessions
};

// Sessions of the built-in synthesizer in which at least two recipes were measured, the oldest first. Of a recipe that
// was measured again the mean counts. Evaluations in an emulation, quarantined ones and those without a time are left
// out.
[[nodiscard]] Result<std::vector<MeasuredRecipes>> load_experience(Store& store, const ExperienceFilter& filter);

}  // namespace kerf
