// Writes candidates: a graph, a partition of it into generated regions and library calls, and the regions' schedules
// become one source text with its plan.
#pragma once

#include <string>
#include <vector>

#include "candidate/candidate.h"
#include "synthesize/builtin/schedule.h"
#include "synthesize/general.h"

namespace kerf {

struct GeneratedGroup {
  std::vector<std::size_t> nodes;  // positions in the graph, ascending
  Region region;
  Schedule schedule;
};

// `remarks` stand in the plan's comment, one a line. Nodes in no group are calls. Fails (kind candidate) where a group
// and a call would wait for each other, or where an argument has no word in plans.
[[nodiscard]] Result<Candidate> compose(const Understood& problem, const GeneralGraph& graph,
                                        const std::vector<GeneratedGroup>& groups,
                                        const std::vector<std::string>& remarks, Language language = Language::cpp);

}  // namespace kerf
