// Many problems, one session each: what is kept of a suite run, how parts of one are joined, and what it adds up to.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "evaluate/evaluation.h"
#include "synthesize/model/spend.h"

namespace kerf {

struct SuiteEntry {
  std::string problem;  // id
  std::string session;  // empty: none was started
  bool done = false;
  std::string verdict;                   // of what is handed over: "measured"; or "refused", "failed", "nothing_right"
  std::string message;                   // one line; why, where there is no time
  std::map<std::string, Ratio> speedup;  // by baseline
  std::optional<double> fraction_of_speed_of_light;
  bool win = false;  // against eager
  std::int64_t candidates = 0;
  double seconds = 0;
  std::map<std::string, std::int64_t> lost;  // candidates that came to nothing, by "verdict: rule"
  nlohmann::json report;                     // what `kerf optimize --json` would print; null without a session
};

// One part of a suite that several processes or machines share: every `of`-th problem, from the `part`-th on.
struct Shard {
  int part = 1, of = 1;
  [[nodiscard]] bool holds(std::size_t index) const {
    return index % static_cast<std::size_t>(of) + 1 == std::size_t(part);
  }
  [[nodiscard]] std::string name() const;  // "1of4"; empty for all of it
};
// "1/4"
[[nodiscard]] Result<Shard> parse_shard(std::string_view text);

struct SuiteRun {
  std::string id;
  std::string suite;  // path
  std::string select;
  Shard shard;
  std::int64_t created_ms = 0;
  nlohmann::json options;           // of every session, as given
  std::vector<SuiteEntry> entries;  // in the suite's order
};

[[nodiscard]] nlohmann::json to_json(const SuiteRun& run);
[[nodiscard]] Result<SuiteRun> suite_run_from_json(const nlohmann::json& json);

// What two runs were asked that makes their sessions different ones: "budget: 4candidates, and 8candidates". Empty if
// nothing does; how many candidates are in flight does not.
[[nodiscard]] std::string differing_options(const nlohmann::json& a, const nlohmann::json& b);

// Parts of a suite as one run, its problems in the order of level and id. A problem may be in several parts if it is
// done in one of them at most. An error names parts that do not belong together.
[[nodiscard]] Result<SuiteRun> merge(const std::string& id, std::span<const SuiteRun> parts);

// "1" of "kernelbench/1/19": the level; empty where ids have none.
[[nodiscard]] std::string level_of(const std::string& problem);

// Problems against one baseline.
struct SuiteComparison {
  std::string baseline;
  int problems = 0;          // that have a speedup against it
  int wins = 0, losses = 0;  // intervals that exclude 1
  // Geometric mean. Its 95 % interval is that of the measurements: standard errors of the logarithms, read off each
  // ratio's 99.5 % interval, added in squares. How much problems differ among each other is not in it.
  Ratio mean;
};

struct SuiteGroup {
  std::string level;  // empty: all problems
  int done = 0;
  std::vector<SuiteComparison> comparisons;  // eager first; only those that some problem has
};

struct SuiteSummary {
  int done = 0, problems = 0;
  std::map<std::string, int> verdicts;
  std::map<std::string, std::int64_t> lost;  // of all candidates
  std::vector<SuiteGroup> groups;            // all problems, then each level if there are several
  std::int64_t candidates = 0;
  double seconds = 0;
  Spend spend;
  std::vector<std::string> machines;  // on which it was measured, in words
  std::vector<std::string> versions;  // "torch 2.13.0"
};
[[nodiscard]] SuiteSummary summarise(const SuiteRun& run);

// Of the problems of a level (empty: of all) that are done, refused and failed ones included, the share for which
// something right and more than p times as fast as the baseline is handed over: fast_p of Ouyang et al., "KernelBench",
// 2025. `low` and `high` count the ends of the intervals.
struct FastShare {
  double value = 0, low = 0, high = 0;
};
[[nodiscard]] FastShare fast_share(const SuiteRun& run, const std::string& level, const std::string& baseline,
                                   double p);
inline constexpr double fast_thresholds[] = {0, 0.5, 0.8, 1, 1.5, 2, 3, 5};

// The baselines that some problem was timed against: eager, compile, then others.
[[nodiscard]] std::vector<std::string> baselines_of(const SuiteRun& run);
[[nodiscard]] std::string baseline_words(const std::string& baseline);  // "torch.compile"

// One problem in two runs.
struct ProblemChange {
  std::string problem;
  std::map<std::string, Ratio> change;  // by baseline: speedup in B over speedup in A; above 1 is better
  std::string status;  // what changed beside times, or why they are not compared: "right only in A"; empty: nothing
  bool gained = false, lost = false;  // right in B only, in A only
};

struct ChangeSummary {
  std::string baseline;
  int problems = 0, better = 0, worse = 0;  // intervals that exclude 1
  Ratio mean;                               // geometric, as in SuiteComparison
};

struct SuiteDifference {
  std::string a, b;  // names
  std::vector<ProblemChange> problems;
  std::vector<ChangeSummary> summaries;
  std::vector<std::string> notes;  // what differs between the runs as a whole: options, machines, versions
  SuiteSummary of_a, of_b;
};
// What is compared are speedups, each measured against a baseline of its own run: two runs may be of different days and
// machines, their times may not. The interval of a ratio of two ratios is put together from theirs (Zou and Donner,
// "Construction of confidence limits about effect measures", Statistics in Medicine 27, 2008). An error if the runs are
// of different targets or have no problem in common.
[[nodiscard]] Result<SuiteDifference> difference(const SuiteRun& a, const SuiteRun& b);

}  // namespace kerf
