// Where a candidate's plan stands in its text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "candidate/candidate.h"

namespace kerf {

// The plan's TOML with every comment decoration taken off, and the way back: line i (from 0) of `toml` is line
// first_line + i of the candidate, its first character stands in column 1 + shift[i].
struct PlanText {
  std::string toml;
  int first_line = 1;
  std::vector<int> shift;
  Location begin;                                                   // of "/// kerf"
  [[nodiscard]] Location in_candidate(int line, int column) const;  // of a place in `toml`, from 1
};

[[nodiscard]] Result<PlanText> find_plan(std::string_view text, Language language);

// The TOML without its comments and its layout: two plans of one normal text are one plan.
[[nodiscard]] std::string normal_plan(std::string_view toml);

}  // namespace kerf
