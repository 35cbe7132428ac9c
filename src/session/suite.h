// Many problems, one session each: what is kept of a suite run, and what it adds up to.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "evaluate/evaluation.h"

namespace kerf {

struct SuiteEntry {
  std::string problem;  // id
  std::string session;  // empty: none was started
  bool done = false;
  std::string verdict;  // of what is handed over: "measured"; or "refused", "failed", "nothing_right"
  std::string message;  // one line; why, where there is no time
  std::optional<Ratio> eager, compile;
  std::optional<double> fraction_of_speed_of_light;
  bool win = false;  // against eager
  std::int64_t candidates = 0;
  double seconds = 0;
  nlohmann::json report;  // what `kerf optimize --json` would print; null without a session
};

struct SuiteRun {
  std::string id;
  std::string suite;  // path
  std::string select;
  std::int64_t created_ms = 0;
  nlohmann::json options;           // as given, so that a resumed run asks the same
  std::vector<SuiteEntry> entries;  // in the suite's order
};

// Over the problems that have a speedup against the baseline.
struct SuiteComparison {
  std::string baseline;
  int problems = 0;
  int wins = 0, losses = 0;  // intervals that exclude 1
  // Geometric mean. Its 95 % interval is that of the measurements: standard errors of the logarithms, read off each
  // ratio's 99 % interval, added in squares. How much problems differ among each other is not in it.
  Ratio mean;
};

struct SuiteSummary {
  std::map<std::string, int> verdicts;
  std::vector<SuiteComparison> comparisons;  // eager, compile; only those that some problem has
  int done = 0, problems = 0;
};
[[nodiscard]] SuiteSummary summarise(const SuiteRun& run);

[[nodiscard]] nlohmann::json to_json(const SuiteRun& run);
[[nodiscard]] Result<SuiteRun> suite_run_from_json(const nlohmann::json& json);
[[nodiscard]] nlohmann::json to_json(const SuiteSummary& summary);

}  // namespace kerf
