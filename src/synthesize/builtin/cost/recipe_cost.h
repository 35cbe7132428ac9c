// What a recipe should cost before anything is compiled: its steps' formulas added up, with caches followed from step
// to step, and the features by which what was measured corrects the sum (correction.h).
#pragma once

#include <array>
#include <cstddef>
#include <map>
#include <optional>
#include <string>

#include "synthesize/builtin/cost/formulas.h"
#include "synthesize/builtin/moves.h"
#include "synthesize/general.h"

namespace kerf {

inline constexpr std::size_t feature_count = 16;
using Features = std::array<double, feature_count>;
// How much a feature is believed to change log time by one unit of it: by so much in all problems alike, and by so much
// more or less in each. What differs from problem to problem only, a session learns for itself.
struct Feature {
  const char* name;
  double everywhere = 0, here = 0;  // deviations
};
[[nodiscard]] const std::array<Feature, feature_count>& feature_table();

struct RecipeCost {
  double seconds = 0;  // the formulas' sum
  Features features = {};
};

// Regions are lowered once for all recipes of a graph; both outlive it.
class RecipeCosts {
 public:
  RecipeCosts(const GeneralGraph& graph, const MachineModel& machine) : graph_(graph), machine_(machine) {}
  // nullopt where a group does not lower.
  [[nodiscard]] std::optional<RecipeCost> of(const Recipe& recipe);

 private:
  const Region* region(const NodeSet& group);

  const GeneralGraph& graph_;
  const MachineModel& machine_;
  std::map<NodeSet, std::optional<Region>> regions_;
};

}  // namespace kerf
