// Moves: named changes of a recipe with preconditions. A recipe is what a candidate of the built-in synthesizer is made
// from, carried as JSON with its node.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "candidate/candidate.h"
#include "synthesize/builtin/partition.h"
#include "synthesize/builtin/schedule.h"
#include "synthesize/general.h"

namespace kerf {

struct Recipe {
  Language language = Language::cpp;
  GraphForm form = GraphForm::exported;
  Partition partition;
  std::vector<Schedule> schedules;  // one a group, in the partition's order
  friend bool operator==(const Recipe&, const Recipe&) = default;
};

// {"graph", "groups": [{"nodes": [names], "schedule": {…}}]}: nodes by name, so that a recipe outlives a change of
// order.
[[nodiscard]] nlohmann::json to_json(const Recipe& recipe, const GeneralGraph& graph);
// Schedules that are missing are the defaults. Fails where a name is unknown.
[[nodiscard]] Result<Recipe> recipe_from_json(const nlohmann::json& json, const GeneralGraph& graph);
[[nodiscard]] GraphForm form_of(const nlohmann::json& recipe);
// Default schedules for a partition.
[[nodiscard]] Result<Recipe> make_recipe(const GeneralGraph& graph, GraphForm form, Partition partition,
                                         const CacheFacts& machine);

struct Move {
  std::string name;     // see docs/synthesizer.md
  std::string because;  // one sentence
  Recipe result;
};

// Every move whose precondition holds, each with its effect. All results are legal.
[[nodiscard]] std::vector<Move> moves(const GeneralGraph& graph, const Recipe& recipe, const CacheFacts& machine);
[[nodiscard]] Result<Candidate> write_candidate(const Understood& problem, const GeneralGraph& graph,
                                                const Recipe& recipe, const std::vector<std::string>& remarks);

}  // namespace kerf
