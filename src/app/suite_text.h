// A suite run's report.
#pragma once

#include <string>

#include "session/suite.h"

namespace kerf {

[[nodiscard]] std::string suite_text(const SuiteRun& run);
[[nodiscard]] std::string suite_markdown(const SuiteRun& run);
[[nodiscard]] nlohmann::json suite_json(const SuiteRun& run);  // the run and its summary

}  // namespace kerf
