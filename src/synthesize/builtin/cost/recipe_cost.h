// What a recipe should cost before anything is compiled: its units, each with what formulas say of it, caches followed
// from one to the next, and the features by which what was measured corrects that (correction.h, guide.h).
#pragma once

#include <array>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "synthesize/builtin/cost/formulas.h"
#include "synthesize/builtin/moves.h"
#include "synthesize/general.h"

namespace kerf {

inline constexpr std::size_t feature_count = 19;
using Features = std::array<double, feature_count>;
// How much a feature is believed to change log time by one unit of it: by so much in all problems alike, and by so much
// more or less in each. What differs from problem to problem only, a session learns for itself.
struct Feature {
  const char* name;
  double everywhere = 0, here = 0;  // deviations
};
[[nodiscard]] const std::array<Feature, feature_count>& feature_table();

inline constexpr double usual_seconds = 1e-3;  // that the first feature, the formulas' guess, is a logarithm over

// A kernel or a library call (Unit) of a recipe.
struct UnitCost {
  std::string operators;  // that it computes, "mean/sub"
  GraphForm form = GraphForm::exported;
  std::string schedule;   // empty: a call
  std::size_t steps = 1;  // of the plan
  double seconds = 0;     // by the formulas; 0: a view
  Features features = {};
  [[nodiscard]] bool is_call() const { return schedule.empty(); }
};
struct RecipeCost {
  std::vector<UnitCost> units;  // in the plan's order
  [[nodiscard]] double seconds() const;
};

// Regions are lowered once for all recipes of a graph; both outlive it.
class RecipeCosts {
 public:
  RecipeCosts(const GeneralGraph& graph, const MachineModel& machine) : graph_(graph), machine_(machine) {}
  // nullopt where a group does not lower.
  [[nodiscard]] std::optional<RecipeCost> of(const Recipe& recipe);

 private:
  const Region* region(const NodeSet& group);
  double operations_of_call(std::size_t node, double bytes_written);

  const GeneralGraph& graph_;
  const MachineModel& machine_;
  std::map<NodeSet, std::optional<Region>> regions_;
};

}  // namespace kerf
