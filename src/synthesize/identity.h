// The identity plan: nothing but the library calls of a traced model. Every session's first node, right by
// construction.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "candidate/candidate.h"
#include "problem/problem.h"

namespace kerf {

// A candidate whose plan calls the operators of the exported graph, one step each, the last writing `out`. What differs
// between the workloads of `problem` (sizes, hyperparameters) becomes an expression over shapes and init arguments
// where one is found that gives every workload's value; otherwise `supports` pins what the plan holds for. Fails with
// kind `candidate` where a graph cannot be written as a plan (too many steps, an argument that plans have no word for).
[[nodiscard]] Result<Candidate> identity_plan(const Understood& problem, Language language = Language::cpp);

}  // namespace kerf
