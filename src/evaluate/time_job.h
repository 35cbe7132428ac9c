// The job `time`, and `baseline` before it: the receipt.
#pragma once

#include "evaluate/journey_state.h"

namespace kerf {

// Which baselines the candidate is compared with.
[[nodiscard]] std::vector<Baseline> wanted_baselines(const SharedState& shared, const CandidateState& c);

// Makes those ready that are not. One that this machine cannot have is no failure.
[[nodiscard]] Result<> prepare_baselines(SharedState& shared, const CandidateState& c);
// The same for a body that does not hold the device: holds it itself, but not while it waits for what is made ready
// beside this process, which may need the device.
[[nodiscard]] Result<> settle_baselines(SharedState& shared, const CandidateState& c);

// Where times are those of graphs, a plan that cannot be captured has none. That is no failure, and nothing that is
// wrong with it: takes down why.
[[nodiscard]] bool is_no_graph(const SharedState& shared, CandidateState& c, const Error& error);

// Blocks: for a body that has the machine for itself. What it finds is `c.timed`, or `c.untimed` says why nothing.
[[nodiscard]] Result<> time_picked(SharedState& shared, CandidateState& c);

// Of a candidate that is right and cannot be timed.
[[nodiscard]] Receipt receipt_without_times(const SharedState& shared, const CandidateState& c, Evidence evidence,
                                            const std::string& why);

}  // namespace kerf
