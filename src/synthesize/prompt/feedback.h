// An evaluation in the words in which a model is told of it: what is wrong, where, or what bounds it and what to try.
#pragma once

#include <string>

#include "candidate/candidate.h"
#include "evaluate/evaluation.h"

namespace kerf {

// Of a candidate that failed: verdict, rule, message, the lines of its source around the place. Of one that was
// measured: time, speedups, speed of light, bound, metrics, hot spots with their lines, advice. Compiler messages and
// source are fenced (fence.h).
[[nodiscard]] std::string feedback(const Evaluation& evaluation, const Candidate& candidate);

}  // namespace kerf
