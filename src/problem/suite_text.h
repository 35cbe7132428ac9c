// The parts of loading suites that take text instead of files.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "problem/problem.h"

namespace kerf {

// The text of a JSONL suite; `path` is for messages and for Problem::path. In order of level and id.
[[nodiscard]] Result<std::vector<Problem>> parse_suite(std::string_view text, std::string_view path);
// The entry of `problem` in the text of a sizes file; empty if there is none.
[[nodiscard]] Result<Sizes> parse_sizes(std::string_view text, std::string_view path, const Problem& problem);
// "kernelbench/1/19" -> "1/19".
[[nodiscard]] std::string last_two_parts(std::string_view id);
// Id and name of a problem file: "level1/19_ReLU.py" is ("kernelbench/1/19", "19_ReLU"), other files go by their stem.
[[nodiscard]] std::pair<std::string, std::string> names_of_file(std::string_view path);

}  // namespace kerf
