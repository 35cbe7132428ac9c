// Reads a case of tests/cases/candidate: a candidate whose first comment lines describe the workload, the machine and
// what is expected. See tests/cases/candidate/README.md.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "candidate/fake_machine.h"
#include "candidate/plan.h"
#include "problem/problem.h"

namespace kerf {

struct CandidateCase {
  Workload workload;
  FakeMachine machine;
  bool expects_error = false;
  Location at;  // of the error
  std::string rule;
  std::string fragment;          // of its message
  std::vector<std::string> log;  // lines that the machine's log must have, in this order
};

// "f32[3, 5]", "f32[3, 5]{1, 3}" with strides, "f32[]".
[[nodiscard]] Result<TensorSpec> parse_spec(std::string_view text);
// Fills `into`. Errors (user) say which line was not understood.
[[nodiscard]] Result<> read_case(std::string_view text, CandidateCase& into);
// Reads, checks `supports`, and binds the source against the case's machine at its first tune point.
[[nodiscard]] Result<Program> bind_case(const Candidate& candidate, CandidateCase& with);

}  // namespace kerf
