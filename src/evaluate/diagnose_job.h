// The job `diagnose`: all that is known of a candidate that was timed, put together.
#pragma once

#include "evaluate/journey_state.h"

namespace kerf {

// Fills `c.diagnosis`.
void diagnose_picked(const SharedState& shared, CandidateState& c);

}  // namespace kerf
