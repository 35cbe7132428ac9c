#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "session/suite.h"

namespace kerf {

namespace {

constexpr double quantile_95 = 1.95996, quantile_995 = 2.80703;  // of the normal distribution, two-sided

using Key = const char*;

// What lies at the end of a path of keys, nullptr if it is not there: reports may come from elsewhere.
const nlohmann::json* at(const nlohmann::json& json, std::initializer_list<Key> path) {
  const nlohmann::json* here = &json;
  for (const Key key : path) {
    if (!here->is_object()) return nullptr;
    const auto found = here->find(key);
    if (found == here->end()) return nullptr;
    here = &*found;
  }
  return here;
}
std::string text_at(const nlohmann::json& json, std::initializer_list<Key> path) {
  const nlohmann::json* found = at(json, path);
  return found != nullptr && found->is_string() ? found->get<std::string>() : std::string();
}
double number_at(const nlohmann::json& json, std::initializer_list<Key> path) {
  const nlohmann::json* found = at(json, path);
  return found != nullptr && found->is_number() ? found->get<double>() : 0;
}
std::int64_t count_at(const nlohmann::json& json, std::initializer_list<Key> path) {
  return static_cast<std::int64_t>(std::clamp(number_at(json, path), 0.0, 1e15));
}

const nlohmann::json* receipt_of(const SuiteEntry& entry) {
  return at(entry.report, {"best", "evaluation", "receipt"});
}

bool usable(const Ratio& r) { return r.low > 0 && r.low <= r.value && r.value <= r.high && std::isfinite(r.high); }

// The logarithms' mean and its standard error.
struct LogMean {
  double sum = 0, variance = 0;
  int n = 0;
  void add(const Ratio& ratio) {
    const double error = (std::log(ratio.high) - std::log(ratio.low)) / (2 * quantile_995);
    sum += std::log(ratio.value);
    variance += error * error;
    ++n;
  }
  [[nodiscard]] Ratio ratio() const {
    const double mean = sum / n, half = quantile_95 * std::sqrt(variance) / n;
    return {.value = std::exp(mean), .low = std::exp(mean - half), .high = std::exp(mean + half)};
  }
};

SuiteComparison compare(const SuiteRun& run, const std::string& level, const std::string& baseline) {
  SuiteComparison c{.baseline = baseline, .problems = 0, .wins = 0, .losses = 0, .mean = {}};
  LogMean mean;
  for (const SuiteEntry& entry : run.entries) {
    const auto found = entry.speedup.find(baseline);
    if (found == entry.speedup.end() || !usable(found->second)) continue;
    if (!level.empty() && level_of(entry.problem) != level) continue;
    c.wins += found->second.win() ? 1 : 0;
    c.losses += found->second.loss() ? 1 : 0;
    mean.add(found->second);
  }
  c.problems = mean.n;
  if (mean.n > 0) c.mean = mean.ratio();
  return c;
}

SuiteGroup group_of(const SuiteRun& run, const std::string& level, const std::vector<std::string>& baselines) {
  SuiteGroup group{.level = level, .done = 0, .comparisons = {}};
  for (const SuiteEntry& entry : run.entries)
    group.done += entry.done && (level.empty() || level_of(entry.problem) == level) ? 1 : 0;
  for (const std::string& baseline : baselines) {
    SuiteComparison c = compare(run, level, baseline);
    if (c.problems > 0) group.comparisons.push_back(std::move(c));
  }
  return group;
}

void add_spend(Spend& sum, const nlohmann::json& report) {
  const nlohmann::json* spend = at(report, {"spend"});
  if (spend == nullptr) return;
  const std::int64_t calls = count_at(*spend, {"calls"});
  sum.calls += calls;
  sum.tokens_in += count_at(*spend, {"tokens_in"});
  sum.tokens_out += count_at(*spend, {"tokens_out"});
  sum.cached_in += count_at(*spend, {"cached_in"});
  sum.saved_usd += number_at(*spend, {"saved_usd"});
  const nlohmann::json* usd = at(*spend, {"usd"});
  if (usd != nullptr && usd->is_number())
    sum.known_usd += usd->get<double>();
  else
    sum.unpriced += calls;
}

std::string machine_words(const nlohmann::json& machine) {
  std::string words = text_at(machine, {"device", "name"});
  const std::string processor = text_at(machine, {"processor"});
  if (!processor.empty()) words += (words.empty() ? "" : ", ") + processor;
  if (const std::int64_t threads = count_at(machine, {"threads"}); threads > 0)
    words += fmt::format(", {} thread{}", threads, threads == 1 ? "" : "s");
  return words;
}

// What makes times of one problem in two runs incomparable; empty if nothing does.
std::string incomparable(const SuiteEntry& a, const SuiteEntry& b) {
  const nlohmann::json* const sizes_a = at(a.report, {"best", "evaluation", "workload"});
  const nlohmann::json* const sizes_b = at(b.report, {"best", "evaluation", "workload"});
  if (sizes_a != nullptr && sizes_b != nullptr && *sizes_a != *sizes_b) return "not compared: other sizes";
  const nlohmann::json *const receipt_a = receipt_of(a), *const receipt_b = receipt_of(b);
  if (receipt_a == nullptr || receipt_b == nullptr) return {};
  const std::string evidence_a = text_at(*receipt_a, {"evidence"}), evidence_b = text_at(*receipt_b, {"evidence"});
  if (evidence_a != evidence_b) return fmt::format("not compared: {}, and {}", evidence_a, evidence_b);
  const auto is_graph = [](const nlohmann::json& receipt) {
    const auto graph = receipt.find("graph");
    return graph != receipt.end() && *graph == true;
  };
  if (is_graph(*receipt_a) != is_graph(*receipt_b)) return "not compared: times of graphs, and of launches one by one";
  return {};
}

Ratio ratio_of(const Ratio& b, const Ratio& a) {
  const double centre = std::log(b.value) - std::log(a.value);
  const auto spread = [](double x, double y) { return std::hypot(x, y); };
  const double below = spread(std::log(b.value) - std::log(b.low), std::log(a.high) - std::log(a.value));
  const double above = spread(std::log(b.high) - std::log(b.value), std::log(a.value) - std::log(a.low));
  return {.value = std::exp(centre), .low = std::exp(centre - below), .high = std::exp(centre + above)};
}

ProblemChange change_of(const SuiteEntry& a, const SuiteEntry& b) {
  ProblemChange change{.problem = a.problem, .change = {}, .status = {}, .gained = false, .lost = false};
  if (!a.done || !b.done) {
    change.status = !a.done && !b.done ? "not done" : !a.done ? "not done in A" : "not done in B";
    return change;
  }
  const bool right_a = a.verdict == to_string(Verdict::measured), right_b = b.verdict == to_string(Verdict::measured);
  change.gained = right_b && !right_a;
  change.lost = right_a && !right_b;
  if (!right_a || !right_b) {
    change.status = a.verdict == b.verdict ? a.verdict : fmt::format("{} → {}", a.verdict, b.verdict);
    return change;
  }
  change.status = incomparable(a, b);
  if (!change.status.empty()) return change;
  for (const auto& [baseline, in_b] : b.speedup) {
    const auto in_a = a.speedup.find(baseline);
    if (in_a != a.speedup.end() && usable(in_a->second) && usable(in_b))
      change.change[baseline] = ratio_of(in_b, in_a->second);
  }
  if (change.change.empty()) change.status = "no baseline in common";
  return change;
}

std::vector<std::string> sorted_baselines(std::set<std::string> names) {
  std::vector<std::string> all;
  for (const char* first : {"eager", "compile"}) {
    if (names.erase(first) > 0) all.emplace_back(first);
  }
  all.insert(all.end(), names.begin(), names.end());
  return all;
}

}  // namespace

std::vector<std::string> baselines_of(const SuiteRun& run) {
  std::set<std::string> names;
  for (const SuiteEntry& entry : run.entries) {
    for (const auto& [baseline, ratio] : entry.speedup) names.insert(baseline);
  }
  return sorted_baselines(std::move(names));
}

std::string baseline_words(const std::string& baseline) {
  if (baseline == "compile") return "torch.compile";
  return baseline == "max_autotune" ? "torch.compile (max-autotune)" : baseline;
}

SuiteSummary summarise(const SuiteRun& run) {
  SuiteSummary summary;
  summary.problems = static_cast<int>(run.entries.size());
  std::set<std::string> levels, machines, versions;
  for (const SuiteEntry& entry : run.entries) {
    levels.insert(level_of(entry.problem));
    summary.candidates += entry.candidates;
    summary.seconds += entry.seconds;
    add_spend(summary.spend, entry.report);
    for (const auto& [why, n] : entry.lost) summary.lost[why] += n;
    if (const nlohmann::json* receipt = receipt_of(entry)) {
      if (const nlohmann::json* machine = at(*receipt, {"machine"})) {
        if (std::string words = machine_words(*machine); !words.empty()) machines.insert(std::move(words));
      }
      for (const Key key : {"kerf", "torch", "compiler"}) {
        if (const std::string version = text_at(*receipt, {"versions", key}); !version.empty())
          versions.insert(version.starts_with(key) || version.find(' ') != std::string::npos
                              ? version
                              : fmt::format("{} {}", key, version));
      }
    }
    if (!entry.done) continue;
    ++summary.done;
    ++summary.verdicts[entry.verdict];
  }
  summary.machines.assign(machines.begin(), machines.end());
  summary.versions.assign(versions.begin(), versions.end());
  const std::vector<std::string> baselines = baselines_of(run);
  summary.groups.push_back(group_of(run, "", baselines));
  if (levels.size() > 1) {
    for (const std::string& level : levels) {
      if (!level.empty()) summary.groups.push_back(group_of(run, level, baselines));
    }
  }
  return summary;
}

FastShare fast_share(const SuiteRun& run, const std::string& level, const std::string& baseline, double p) {
  int done = 0, value = 0, low = 0, high = 0;
  for (const SuiteEntry& entry : run.entries) {
    if (!entry.done || (!level.empty() && level_of(entry.problem) != level)) continue;
    ++done;
    const auto found = entry.speedup.find(baseline);
    if (found == entry.speedup.end() || entry.verdict != to_string(Verdict::measured)) continue;
    value += found->second.value > p ? 1 : 0;
    low += found->second.low > p ? 1 : 0;
    high += found->second.high > p ? 1 : 0;
  }
  if (done == 0) return {};
  const double n = done;
  return {.value = value / n, .low = low / n, .high = high / n};
}

Result<SuiteDifference> difference(const SuiteRun& a, const SuiteRun& b) {
  if (const std::string x = text_at(a.options, {"target"}), y = text_at(b.options, {"target"}); x != y)
    return user_error(
        fmt::format("{} ran on target {}, {} on {}: their times say nothing of each other", a.id, x, b.id, y));
  SuiteDifference d{
      .a = a.id, .b = b.id, .problems = {}, .summaries = {}, .notes = {}, .of_a = summarise(a), .of_b = summarise(b)};
  std::map<std::string, const SuiteEntry*> in_b;
  for (const SuiteEntry& entry : b.entries) in_b[entry.problem] = &entry;
  std::set<std::string> baselines;
  int common = 0;
  for (const SuiteEntry& entry : a.entries) {
    const auto found = in_b.find(entry.problem);
    if (found == in_b.end()) {
      d.problems.push_back(
          {.problem = entry.problem, .change = {}, .status = "only in A", .gained = false, .lost = false});
      continue;
    }
    ++common;
    d.problems.push_back(change_of(entry, *found->second));
    for (const auto& [baseline, ratio] : d.problems.back().change) baselines.insert(baseline);
    in_b.erase(found);
  }
  if (common == 0) return user_error(fmt::format("{} and {} have no problem in common", a.id, b.id));
  for (const SuiteEntry& entry : b.entries) {
    if (in_b.contains(entry.problem))
      d.problems.push_back(
          {.problem = entry.problem, .change = {}, .status = "only in B", .gained = false, .lost = false});
  }
  for (const std::string& baseline : sorted_baselines(std::move(baselines))) {
    ChangeSummary summary{.baseline = baseline, .problems = 0, .better = 0, .worse = 0, .mean = {}};
    LogMean mean;
    for (const ProblemChange& problem : d.problems) {
      const auto found = problem.change.find(baseline);
      if (found == problem.change.end()) continue;
      summary.better += found->second.win() ? 1 : 0;
      summary.worse += found->second.loss() ? 1 : 0;
      mean.add(found->second);
    }
    summary.problems = mean.n;
    summary.mean = mean.ratio();
    d.summaries.push_back(std::move(summary));
  }
  if (const std::string differs = differing_options(a.options, b.options); !differs.empty())
    d.notes.push_back(fmt::format("asked differently: {}", differs));
  const auto note = [&d](const char* what, const std::vector<std::string>& x, const std::vector<std::string>& y) {
    if (x != y) d.notes.push_back(fmt::format("{}: {} in A, {} in B", what, fmt::join(x, "; "), fmt::join(y, "; ")));
  };
  note("machine", d.of_a.machines, d.of_b.machines);
  note("versions", d.of_a.versions, d.of_b.versions);
  return d;
}

}  // namespace kerf
