// Where problems come from: a file, a folder, a JSONL suite, and one problem of a suite ("suite.jsonl#1/19").
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "problem/problem.h"

namespace kerf {

// A single problem: FILE.py, or SUITE.jsonl#LEVEL/ID, or FOLDER#LEVEL/ID.
[[nodiscard]] Result<Problem> load_problem(std::string_view spec);
// All problems of FILE.jsonl or of a folder of .py files (KernelBench's level1/19_ReLU.py layout gives LEVEL/ID), in
// order of level and id. `select` is a list of globs ("1/*,2/1?"), empty for all.
[[nodiscard]] Result<std::vector<Problem>> load_suite(std::string_view path, std::string_view select);
// "NAME=VALUE" with a Python literal (number, bool, string, list or tuple).
[[nodiscard]] Result<std::pair<std::string, Value>> parse_set(std::string_view text);
// {"1/19": {"batch_size": 16}, …}: the entry of `problem`, by the last two parts of its id. Empty if there is none.
[[nodiscard]] Result<Sizes> sizes_for(const std::string& json_path, const Problem& problem);

}  // namespace kerf
