// Suite reports and comparisons for programs; docs/commands.md describes the fields.
#pragma once

#include <nlohmann/json.hpp>

#include "session/suite.h"

namespace kerf {

// The run with its summary: what `kerf suite report --json` prints, and can be read back as a run.
[[nodiscard]] nlohmann::json suite_json(const SuiteRun& run);
[[nodiscard]] nlohmann::json difference_json(const SuiteDifference& difference);

}  // namespace kerf
