// The job `watch`: a run of which nothing is timed, for how threads and memory fare in kernels in C++.
#pragma once

#include "evaluate/journey_state.h"

namespace kerf {

[[nodiscard]] bool can_be_watched(const CandidateState& c);

// Blocks: for a body that has the machine for itself. What cannot be had is no reason to have nothing: the receipt says
// why. What a candidate does in it to what is not its own counts as in any run (kind candidate).
[[nodiscard]] Result<> watch_picked(SharedState& shared, CandidateState& c);

}  // namespace kerf
