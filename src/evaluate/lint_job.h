// The job `lint`: what can be said of a candidate without compiling it.
#pragma once

#include "evaluate/journey_state.h"

namespace kerf {

// Reads the plan and keeps those tune points that can be bound to the primary workload.
[[nodiscard]] Result<> lint_candidate(SharedState& shared, CandidateState& c);

}  // namespace kerf
