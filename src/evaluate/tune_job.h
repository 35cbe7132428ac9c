// The job `tune`: which tune point is the fastest. The pick is kept by candidate, workloads and machine, so that the
// same candidate is not tuned again there.
#pragma once

#include "evaluate/journey_state.h"

namespace kerf {

// Takes what was chosen before for this candidate on these workloads and this machine, and the check that says so. For
// the loop's thread, as is keep_pick().
[[nodiscard]] std::optional<Check> known_pick(SharedState& shared, CandidateState& c);

// Blocks: for a body that has the machine for itself. The result is `c.tuned`, or `c.untimed` says why there is none.
[[nodiscard]] Result<> tune_points_of(SharedState& shared, CandidateState& c);

// Takes `c.tuned` over.
void keep_pick(SharedState& shared, CandidateState& c);

}  // namespace kerf
