#include "app/suite_text.h"

#include <fmt/format.h>

#include "app/words.h"

namespace kerf {

namespace {

std::string cell(const std::optional<Ratio>& ratio) {
  if (!ratio) return "-";
  return fmt::format("{:.2f} ({:.2f}-{:.2f}){}", ratio->value, ratio->low, ratio->high,
                     ratio->win()    ? " +"
                     : ratio->loss() ? " -"
                                     : "");
}

std::vector<std::vector<std::string>> rows_of(const SuiteRun& run) {
  std::vector<std::vector<std::string>> rows{
      {"problem", "verdict", "vs eager", "vs compile", "SOL", "candidates", "time", "note"}};
  for (const SuiteEntry& e : run.entries) {
    rows.push_back({e.problem,
                    e.done              ? e.verdict
                    : e.session.empty() ? "to do"
                                        : "begun",
                    cell(e.eager), cell(e.compile),
                    e.fraction_of_speed_of_light ? percent_words(*e.fraction_of_speed_of_light) : "-",
                    std::to_string(e.candidates), duration_words(e.seconds), fit(e.message, 80)});
  }
  return rows;
}

std::vector<std::string> summary_lines(const SuiteRun& run) {
  const SuiteSummary summary = summarise(run);
  std::vector<std::string> lines;
  std::vector<std::string> counts;
  for (const auto& [verdict, n] : summary.verdicts) counts.push_back(fmt::format("{} {}", n, verdict));
  lines.push_back(fmt::format("{} of {} done: {}", summary.done, count_words(summary.problems, "problem"),
                              fmt::join(counts, ", ")));
  for (const SuiteComparison& c : summary.comparisons) {
    lines.push_back(fmt::format("against {}: geometric mean {} over {}, {} wins, {} losses",
                                c.baseline == "compile" ? "torch.compile" : c.baseline, ratio_words(c.mean),
                                count_words(c.problems, "problem"), c.wins, c.losses));
  }
  return lines;
}

}  // namespace

std::string suite_text(const SuiteRun& run) {
  std::string text =
      fmt::format("suite run {}: {}{}\n\n", run.id, run.suite, run.select.empty() ? "" : " " + run.select);
  text += table(rows_of(run), {5});
  text += "\n+ and -: the interval excludes 1\n";
  for (const std::string& line : summary_lines(run)) text += line + "\n";
  return text;
}

std::string suite_markdown(const SuiteRun& run) {
  std::string text = fmt::format("# Suite run {}\n\n`{}` {}\n\n", run.id, run.suite, run.select);
  for (const std::string& line : summary_lines(run)) text += "- " + line + "\n";
  text += "\n" + markdown_table(rows_of(run)) + "\n`+` and `-`: the interval excludes 1.\n";
  return text;
}

nlohmann::json suite_json(const SuiteRun& run) {
  nlohmann::json json = to_json(run);
  json["summary"] = to_json(summarise(run));
  return json;
}

}  // namespace kerf
