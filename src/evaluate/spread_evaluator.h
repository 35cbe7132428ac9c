// Several devices of one machine, each with an oracle, a runner and an evaluator of its own, behind one of each.
#pragma once

#include <memory>
#include <vector>

#include "evaluate/evaluator.h"
#include "evaluate/oracle.h"

namespace kerf {

// A candidate goes to the evaluator that has least under way, and to the same one again when it is measured anew: its
// times are compared with each other. At least one evaluator.
[[nodiscard]] std::unique_ptr<Evaluator> make_spread_evaluator(std::vector<std::unique_ptr<Evaluator>> evaluators);

// Problems are admitted by all of them side by side; everything else is asked of the first. The oracles must outlive
// it; at least one. Fails (kind internal) where two of them understand a problem differently.
[[nodiscard]] std::unique_ptr<Oracle> make_spread_oracle(std::vector<Oracle*> oracles);

}  // namespace kerf
