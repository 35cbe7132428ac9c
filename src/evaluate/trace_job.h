// The job `trace`: what the baselines do on the device, once for each workload, when somebody asks for a profile.
#pragma once

#include "evaluate/journey_state.h"

namespace kerf {

// What is known already is taken down; false: nothing is left to be traced. For the loop's thread, as is keep_traces().
[[nodiscard]] bool needs_traces(const SharedState& shared, CandidateState& c);

// Blocks: for a body that has the machine for itself.
void trace_baselines(SharedState& shared, CandidateState& c);

void keep_traces(SharedState& shared, CandidateState& c);

}  // namespace kerf
