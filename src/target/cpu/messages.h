// What compilers print, as data. The text is untrusted: a candidate can make a compiler print anything.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "target/language.h"

namespace kerf {

struct CompilerMessage {
  std::string file;  // as #line directives name it
  Location at = {};
  std::string severity = {};  // error, fatal error, warning, note, remark, optimized, missed
  std::string text = {};
};

// FILE:LINE:COLUMN: SEVERITY: TEXT lines of g++ and clang; others are skipped.
[[nodiscard]] std::vector<CompilerMessage> read_messages(std::string_view output);

// The error to show: the first that stands in the candidate or its plan, else the first of all. Further errors of the
// candidate follow as facts "message". nullopt if there is none.
[[nodiscard]] std::optional<Error> first_error(const std::vector<CompilerMessage>& messages);

// Vectorisation remarks of candidate lines: g++'s -fopt-info-vec-optimized-missed, clang's -Rpass=loop-vectorize and
// friends. One a loop and reason, plainly worded, at most 200.
[[nodiscard]] std::vector<CompilerRemark> read_remarks(const std::vector<CompilerMessage>& messages);

// How parts of a compiled text are named by #line.
inline constexpr const char* candidate_file = "candidate";
inline constexpr const char* plan_file = "kerf_plan";  // as candidate::trailer names it; its lines are the candidate's

}  // namespace kerf
