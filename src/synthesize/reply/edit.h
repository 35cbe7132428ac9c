// Edits that a model writes against a text: search and replace blocks, unified diffs. They apply exactly, but for white
// space at the ends of lines, or not at all.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"

namespace kerf {

// Lines `before`, which stand in the text once, become `after`.
struct Replacement {
  std::vector<std::string> before, after;
  // Of a diff: where the header says that `before` begins, from 1. Only consulted where `before` stands there several
  // times: then the place that is meant is the one that the header names.
  std::optional<std::size_t> line = {};
};

// <<<<<<< SEARCH
// old lines
// =======
// new lines
// >>>>>>> REPLACE
// Any number of them; what stands around them is ignored. `candidate` error, with the line in `text`, for a block that
// is not ended, one without lines to look for, and for none at all.
[[nodiscard]] Result<std::vector<Replacement>> read_search_replace(std::string_view text);
[[nodiscard]] bool has_search_replace(std::string_view text);

// A unified diff, one replacement a hunk. Names of files are ignored; so are the numbers of lines in hunk headers,
// since models miscount: a hunk ends where the next one begins. An empty line is one of context.
[[nodiscard]] Result<std::vector<Replacement>> read_unified_diff(std::string_view text);
[[nodiscard]] bool is_unified_diff(std::string_view text);

// In order, each on what the ones before it left. `candidate` error, one sentence that names the edit (from 1) and its
// first line, where `before` is not found, or found in several places.
[[nodiscard]] Result<std::string> apply_edits(const std::vector<Replacement>& edits, std::string_view text);

}  // namespace kerf
