// One candidate on its way through the job graph: which job follows which, and what each outcome means for it.
#pragma once

#include <memory>
#include <string>

#include "evaluate/evaluator.h"
#include "evaluate/job_graph.h"
#include "evaluate/journey_state.h"

namespace kerf {

// Adds its first job. `done` comes once, on the loop's thread, also where the group is cancelled. Of `state` what was
// asked for is given. The group lives as long as the journey does: nobody need hold it.
[[nodiscard]] std::shared_ptr<const JobGroup> begin_journey(std::shared_ptr<SharedState> shared, JobGraph& graph,
                                                            CandidateState state, std::string id, Evaluator::Done done);

}  // namespace kerf
