// The jobs `instrument` and `probe`: what happens inside the slowest kernel of Triton's. That takes a compilation and
// some launches more: for candidates whose profile was asked for.
#pragma once

#include "evaluate/journey_state.h"

namespace kerf {

[[nodiscard]] bool can_be_probed(const CandidateState& c);

// Compiles the kernel with probes: `c.probed`, which says why where that cannot be.
void instrument_picked(CandidateState& c);

// Blocks: for a body that has the machine for itself. The result is `c.timeline`, or the receipt says why there is
// none. Kind candidate: it did what no run may.
[[nodiscard]] Result<> probe_picked(SharedState& shared, CandidateState& c);

}  // namespace kerf
