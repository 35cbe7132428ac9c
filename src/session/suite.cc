#include "session/suite.h"

#include <cmath>

#include "problem/json_fields.h"

namespace kerf {

namespace {

nlohmann::json ratio_json(const std::optional<Ratio>& ratio) {
  if (!ratio) return nullptr;
  return {{"value", ratio->value}, {"low", ratio->low}, {"high", ratio->high}};
}

Result<std::optional<Ratio>> ratio_field(const nlohmann::json& json, const char* name) {
  const nlohmann::json* value = TRY(field(json, name));
  if (value->is_null()) return std::nullopt;
  Ratio ratio;
  ratio.value = TRY(number_field(*value, "value"));
  ratio.low = TRY(number_field(*value, "low"));
  ratio.high = TRY(number_field(*value, "high"));
  return ratio;
}

std::optional<SuiteComparison> compare(const SuiteRun& run, const char* baseline,
                                       std::optional<Ratio> SuiteEntry::* member) {
  SuiteComparison c{.baseline = baseline, .problems = 0, .wins = 0, .losses = 0, .mean = {}};
  double sum = 0, variance = 0;
  for (const SuiteEntry& entry : run.entries) {
    const std::optional<Ratio>& ratio = entry.*member;
    if (!ratio || !(ratio->value > 0) || !(ratio->low > 0)) continue;
    ++c.problems;
    c.wins += ratio->win() ? 1 : 0;
    c.losses += ratio->loss() ? 1 : 0;
    sum += std::log(ratio->value);
    const double error = (std::log(ratio->high) - std::log(ratio->low)) / (2 * 2.576);
    variance += error * error;
  }
  if (c.problems == 0) return std::nullopt;
  const double mean = sum / c.problems, half = 1.96 * std::sqrt(variance) / c.problems;
  c.mean = {.value = std::exp(mean), .low = std::exp(mean - half), .high = std::exp(mean + half)};
  return c;
}

}  // namespace

SuiteSummary summarise(const SuiteRun& run) {
  SuiteSummary summary;
  summary.problems = static_cast<int>(run.entries.size());
  for (const SuiteEntry& entry : run.entries) {
    if (!entry.done) continue;
    ++summary.done;
    ++summary.verdicts[entry.verdict];
  }
  for (auto comparison : {compare(run, "eager", &SuiteEntry::eager), compare(run, "compile", &SuiteEntry::compile)}) {
    if (comparison) summary.comparisons.push_back(std::move(*comparison));
  }
  return summary;
}

nlohmann::json to_json(const SuiteSummary& s) {
  nlohmann::json json = {
      {"problems", s.problems}, {"done", s.done}, {"verdicts", s.verdicts}, {"baselines", nlohmann::json::object()}};
  for (const SuiteComparison& c : s.comparisons) {
    json["baselines"][c.baseline] = {
        {"problems", c.problems}, {"wins", c.wins}, {"losses", c.losses}, {"geometric_mean", ratio_json(c.mean)}};
  }
  return json;
}

nlohmann::json to_json(const SuiteRun& run) {
  nlohmann::json json = {{"schema", 1},
                         {"id", run.id},
                         {"suite", run.suite},
                         {"select", run.select},
                         {"created_ms", run.created_ms},
                         {"options", run.options},
                         {"problems", nlohmann::json::array()}};
  for (const SuiteEntry& e : run.entries) {
    json["problems"].push_back(
        {{"problem", e.problem},
         {"session", e.session},
         {"done", e.done},
         {"verdict", e.verdict},
         {"message", e.message},
         {"speedup", {{"eager", ratio_json(e.eager)}, {"compile", ratio_json(e.compile)}}},
         {"fraction_of_speed_of_light",
          e.fraction_of_speed_of_light ? nlohmann::json(*e.fraction_of_speed_of_light) : nlohmann::json(nullptr)},
         {"win", e.win},
         {"candidates", e.candidates},
         {"seconds", e.seconds},
         {"report", e.report}});
  }
  return json;
}

Result<SuiteRun> suite_run_from_json(const nlohmann::json& json) {
  SuiteRun run;
  if (TRY(integer_field(json, "schema")) != 1) return user_error("this suite run was written by a newer kerf");
  run.id = TRY(text_field(json, "id"));
  run.suite = TRY(text_field(json, "suite"));
  run.select = TRY(text_field(json, "select"));
  run.created_ms = TRY(integer_field(json, "created_ms"));
  run.options = *TRY(field(json, "options"));
  for (const nlohmann::json& item : *TRY(array_field(json, "problems"))) {
    SuiteEntry e;
    e.problem = TRY(text_field(item, "problem"));
    e.session = TRY(text_field(item, "session"));
    e.done = TRY(bool_field(item, "done"));
    e.verdict = TRY(text_field(item, "verdict"));
    e.message = TRY(text_field(item, "message"));
    const nlohmann::json* speedup = TRY(field(item, "speedup"));
    e.eager = TRY(ratio_field(*speedup, "eager"));
    e.compile = TRY(ratio_field(*speedup, "compile"));
    const nlohmann::json* fraction = TRY(field(item, "fraction_of_speed_of_light"));
    if (fraction->is_number()) e.fraction_of_speed_of_light = fraction->get<double>();
    e.win = TRY(bool_field(item, "win"));
    e.candidates = TRY(integer_field(item, "candidates"));
    e.seconds = TRY(number_field(item, "seconds"));
    e.report = *TRY(field(item, "report"));
    run.entries.push_back(std::move(e));
  }
  return run;
}

}  // namespace kerf
