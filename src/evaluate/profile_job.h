// The job `profile`: what a profiler counts of the launches of a candidate that something will be built on.
#pragma once

#include "evaluate/journey_state.h"

namespace kerf {

// Those are the fastest so far, those that are confirmed, those that were asked for. Takes down which is the fastest;
// for the loop's thread.
[[nodiscard]] bool worth_a_profile(SharedState& shared, const CandidateState& c);

// Blocks: for a body that has the machine for itself. A profile that cannot be had is no reason to have nothing: the
// receipt says why. What a candidate does in it to what is not its own counts as in any run (kind candidate).
// Before the device is held alone for it.
void expect_profile(const SharedState& shared, const CandidateState& c);
[[nodiscard]] Result<> profile_picked(SharedState& shared, CandidateState& c);

}  // namespace kerf
