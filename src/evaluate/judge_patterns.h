// What a judgement's numbers mean, in words: which elements of an output are wrong, and how.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "evaluate/oracle.h"

namespace kerf {

// Where the wrong elements lie and what is in them.
struct WrongPattern {
  // "right", "unwritten", "nonfinite", "everything", "element", "tail", "head", "row", "every", "block", "scattered"
  std::string name;
  std::string where;  // "the last 5 of dimension 1", "every 16th of dimension 1", …; empty if right
};

[[nodiscard]] WrongPattern find_pattern(const OutputJudgement& output, const TensorSpec& spec);
// One line for people: what is wrong, where, how many, the first one, how far off.
[[nodiscard]] std::string describe_wrong(const OutputJudgement& output, const TensorSpec& spec);
// For a Check: {"output", "pattern", "where", "wrong", "of", "unwritten", "nonfinite", "first_wrong", "box", "got",
// "expected", "max_error", "allowed", "reference_error", "scale"}.
[[nodiscard]] nlohmann::json judgement_detail(const OutputJudgement& output, const TensorSpec& spec);

}  // namespace kerf
