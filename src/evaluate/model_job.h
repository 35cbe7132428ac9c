// The job `model`: why the inner loop of a kernel in C++ takes the cycles that it takes, from its code alone.
#pragma once

#include "evaluate/journey_state.h"

namespace kerf {

[[nodiscard]] bool can_be_modelled(const SharedState& shared, const CandidateState& c);

// Blocks. What it finds joins `c.diagnosis`, which must be there; otherwise the receipt says why nothing is known.
void model_picked(const SharedState& shared, CandidateState& c);

}  // namespace kerf
