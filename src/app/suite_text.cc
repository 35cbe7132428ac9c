#include "app/suite_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "app/plot.h"
#include "app/report.h"
#include "app/words.h"

namespace kerf {

namespace {

constexpr const char* sure_note = "+ and -: the interval excludes 1.";

std::string cell(const Ratio& ratio) {
  return fmt::format("{:.2f} ({:.2f}-{:.2f}){}", ratio.value, ratio.low, ratio.high,
                     ratio.win()    ? " +"
                     : ratio.loss() ? " -"
                                    : "");
}

std::string cell(const std::map<std::string, Ratio>& ratios, const std::string& baseline) {
  const auto found = ratios.find(baseline);
  return found == ratios.end() ? "-" : cell(found->second);
}

std::string state_words(const SuiteEntry& e) {
  if (e.done) return e.verdict;
  return e.session.empty() ? "to do" : "begun";
}

std::string group_words(const SuiteGroup& group) { return group.level.empty() ? "all" : "level " + group.level; }

template <class Counts>
std::string counts_words(const Counts& counts) {
  std::vector<std::string> words;
  for (const auto& [what, n] : counts) words.push_back(fmt::format("{} {}", n, what));
  return fmt::format("{}", fmt::join(words, ", "));
}

std::string effort_words(const SuiteSummary& s) {
  std::string words = fmt::format("{} in {}", count_words(s.candidates, "candidate"), duration_words(s.seconds));
  if (s.spend.calls > 0) words += "; " + spend_words(s.spend);
  return words;
}

std::vector<std::string> lines_of(const SuiteRun& run, const SuiteSummary& s) {
  std::vector<std::string> lines;
  lines.push_back(fmt::format("{}{}{}", run.suite, run.select.empty() ? "" : ", selected: " + run.select,
                              run.shard.of > 1 ? fmt::format(", shard {}/{}", run.shard.part, run.shard.of) : ""));
  lines.push_back(fmt::format("{} of {} done{}{}", s.done, count_words(s.problems, "problem"),
                              s.verdicts.empty() ? "" : ": ", counts_words(s.verdicts)));
  for (const SuiteComparison& c : s.groups.front().comparisons) {
    lines.push_back(fmt::format("against {}: geometric mean {} over {}, {}, {}", baseline_words(c.baseline),
                                ratio_words(c.mean), count_words(c.problems, "problem"), count_words(c.wins, "win"),
                                c.losses == 1 ? "1 loss" : fmt::format("{} losses", c.losses)));
  }
  lines.push_back(effort_words(s));
  if (!s.machines.empty()) lines.push_back(fmt::format("measured on {}", fmt::join(s.machines, "; ")));
  if (!s.versions.empty()) lines.push_back(fmt::format("with {}", fmt::join(s.versions, ", ")));
  return lines;
}

DocumentTable means_table(const SuiteSummary& s) {
  DocumentTable table{.heading = "Geometric means",
                      .rows = {{"problems", "against", "timed", "geometric mean", "wins", "losses"}},
                      .right = {2, 4, 5},
                      .note =
                          "Intervals of the means are those of the measurements; how problems differ among each "
                          "other is not in them."};
  for (const SuiteGroup& group : s.groups) {
    for (const SuiteComparison& c : group.comparisons)
      table.rows.push_back({group_words(group), baseline_words(c.baseline), std::to_string(c.problems),
                            ratio_words(c.mean), std::to_string(c.wins), std::to_string(c.losses)});
  }
  return table;
}

DocumentTable fast_table(const SuiteRun& run, const SuiteSummary& s) {
  DocumentTable table{.heading = "fast_p",
                      .rows = {{"problems", "against"}},
                      .right = {},
                      .note =
                          "The share of all problems that are done for which something right is handed over that "
                          "is more than p times as fast; in brackets where intervals leave it open."};
  for (const double p : fast_thresholds) {
    table.rows.front().push_back(fmt::format("p = {}", p));
    table.right.push_back(table.rows.front().size() - 1);
  }
  for (const SuiteGroup& group : s.groups) {
    for (const SuiteComparison& c : group.comparisons) {
      std::vector<std::string> row{fmt::format("{} ({})", group_words(group), group.done), baseline_words(c.baseline)};
      for (const double p : fast_thresholds) {
        const FastShare share = fast_share(run, group.level, c.baseline, p);
        row.push_back(share.low == share.high
                          ? fmt::format("{:.2f}", share.value)
                          : fmt::format("{:.2f} [{:.2f}-{:.2f}]", share.value, share.low, share.high));
      }
      table.rows.push_back(std::move(row));
    }
  }
  return table;
}

DocumentTable problems_table(const SuiteRun& run) {
  DocumentTable table{.heading = "Problems", .rows = {{"problem", "verdict"}}, .right = {}, .note = sure_note};
  const std::vector<std::string> baselines = baselines_of(run);
  auto& head = table.rows.front();
  for (const std::string& baseline : baselines) head.push_back("vs " + baseline_words(baseline));
  for (const char* name : {"SOL", "candidates", "time", "note"}) head.emplace_back(name);
  table.right = {head.size() - 4, head.size() - 3, head.size() - 2};
  for (const SuiteEntry& e : run.entries) {
    std::vector<std::string> row{e.problem, state_words(e)};
    for (const std::string& baseline : baselines) row.push_back(cell(e.speedup, baseline));
    row.push_back(e.fraction_of_speed_of_light ? percent_words(*e.fraction_of_speed_of_light) : "-");
    row.push_back(std::to_string(e.candidates));
    row.push_back(duration_words(e.seconds));
    row.push_back(e.done && e.verdict != to_string(Verdict::measured) ? "see below" : fit(e.message, 60));
    table.rows.push_back(std::move(row));
  }
  return table;
}

DocumentTable failures_table(const SuiteRun& run) {
  DocumentTable table{
      .heading = "Problems without a result", .rows = {{"problem", "verdict", "why"}}, .right = {}, .note = {}};
  for (const SuiteEntry& e : run.entries) {
    if (e.done && e.verdict != to_string(Verdict::measured))
      table.rows.push_back({e.problem, e.verdict, one_line(e.message)});
  }
  return table;
}

DocumentTable lost_table(const SuiteSummary& s) {
  DocumentTable table{
      .heading = "Candidates that came to nothing", .rows = {{"why", "candidates"}}, .right = {1}, .note = {}};
  std::vector<std::pair<std::string, std::int64_t>> rows(s.lost.begin(), s.lost.end());
  std::ranges::stable_sort(rows, std::ranges::greater(), &std::pair<std::string, std::int64_t>::second);
  for (const auto& [why, n] : rows) table.rows.push_back({why, std::to_string(n)});
  return table;
}

DocumentFigure fast_figure(const SuiteRun& run, const SuiteGroup& group) {
  std::vector<ShareCurve> curves;
  for (const SuiteComparison& c : group.comparisons) {
    ShareCurve curve{.name = "against " + baseline_words(c.baseline), .values = {}, .total = group.done};
    for (const SuiteEntry& e : run.entries) {
      if (!e.done || e.verdict != to_string(Verdict::measured)) continue;
      if (!group.level.empty() && level_of(e.problem) != group.level) continue;
      if (const auto found = e.speedup.find(c.baseline); found != e.speedup.end())
        curve.values.push_back(found->second);
    }
    curves.push_back(std::move(curve));
  }
  return {
      .heading = fmt::format("fast_p, {} ({})", group.level.empty() ? "all problems" : group_words(group), group.done),
      .svg = share_plot(curves, "p: speedup that is exceeded"),
      .caption = "Share of problems that are right and faster than p; the band is what intervals leave open."};
}

void sort_by_first(std::vector<ForestRow>& rows) {
  std::ranges::stable_sort(rows, std::ranges::greater(), [](const ForestRow& row) {
    for (const auto& value : row.values) {
      if (value) return value->value;
    }
    return 0.0;
  });
}

DocumentFigure speedup_figure(const SuiteRun& run) {
  const std::vector<std::string> baselines = baselines_of(run);
  std::vector<std::string> names;
  for (const std::string& baseline : baselines) names.push_back("vs " + baseline_words(baseline));
  std::vector<ForestRow> rows;
  for (const SuiteEntry& e : run.entries) {
    ForestRow row{.label = e.problem,
                  .values = {},
                  .bar = e.fraction_of_speed_of_light,
                  .instead = e.message.empty() ? state_words(e) : fmt::format("{}: {}", state_words(e), e.message)};
    for (const std::string& baseline : baselines) {
      const auto found = e.speedup.find(baseline);
      row.values.push_back(found == e.speedup.end() ? std::nullopt : std::optional(found->second));
    }
    rows.push_back(std::move(row));
  }
  sort_by_first(rows);
  return {.heading = "Speedups and the speed of light",
          .svg = forest_plot(names, rows, "speedup (interval of 99.5 %)", "of the speed of light"),
          .caption = "Filled: the interval excludes 1. What is handed over for each problem, the fastest first."};
}

}  // namespace

Document suite_document(const SuiteRun& run) {
  const SuiteSummary s = summarise(run);
  Document document{.title = "Suite run " + run.id, .lines = lines_of(run, s), .figures = {}, .tables = {}};
  const bool timed = !s.groups.front().comparisons.empty();
  if (timed) {
    for (const SuiteGroup& group : s.groups) {
      if (!group.comparisons.empty()) document.figures.push_back(fast_figure(run, group));
    }
    document.figures.push_back(speedup_figure(run));
    document.tables.push_back(means_table(s));
    document.tables.push_back(fast_table(run, s));
  }
  document.tables.push_back(problems_table(run));
  if (DocumentTable failures = failures_table(run); failures.rows.size() > 1)
    document.tables.push_back(std::move(failures));
  if (!s.lost.empty()) document.tables.push_back(lost_table(s));
  return document;
}

Document difference_document(const SuiteDifference& d) {
  Document document{
      .title = fmt::format("Suite run {} (B) against {} (A)", d.b, d.a), .lines = {}, .figures = {}, .tables = {}};
  for (const ChangeSummary& s : d.summaries) {
    document.lines.push_back(fmt::format(
        "speedup over {}: {} better, {} worse, {} no difference that is sure; B over A {} (geometric mean over {})",
        baseline_words(s.baseline), s.better, s.worse, s.problems - s.better - s.worse, ratio_words(s.mean),
        count_words(s.problems, "problem")));
  }
  for (const auto& [what, member] :
       {std::pair{"right in B only", &ProblemChange::gained}, std::pair{"right in A only", &ProblemChange::lost}}) {
    std::vector<std::string> names;
    for (const ProblemChange& p : d.problems) {
      if (p.*member) names.push_back(p.problem);
    }
    if (!names.empty()) document.lines.push_back(fmt::format("{}: {}", what, fmt::join(names, ", ")));
  }
  document.lines.push_back(fmt::format("A: {}; B: {}", effort_words(d.of_a), effort_words(d.of_b)));
  for (const std::string& note : d.notes) document.lines.push_back(note);

  DocumentTable table{.heading = "Problems", .rows = {{"problem"}}, .right = {}, .note = {}};
  std::vector<std::string> names;
  for (const ChangeSummary& s : d.summaries) names.push_back("vs " + baseline_words(s.baseline));
  for (const std::string& name : names) table.rows.front().push_back(name);
  table.rows.front().emplace_back("note");
  table.note = fmt::format(
      "Speedup in B over speedup in A. {} Of problems whose kernels are the same, one in 200 is called different by "
      "chance.",
      sure_note);
  std::vector<ForestRow> rows;
  for (const ProblemChange& p : d.problems) {
    ForestRow row{.label = p.problem, .values = {}, .bar = std::nullopt, .instead = p.status};
    std::vector<std::string> cells{p.problem};
    for (const ChangeSummary& s : d.summaries) {
      const auto found = p.change.find(s.baseline);
      row.values.push_back(found == p.change.end() ? std::nullopt : std::optional(found->second));
      cells.push_back(cell(p.change, s.baseline));
    }
    cells.push_back(p.status);
    table.rows.push_back(std::move(cells));
    rows.push_back(std::move(row));
  }
  sort_by_first(rows);
  if (!names.empty()) {
    document.figures.push_back({.heading = "What changed",
                                .svg = forest_plot(names, rows, "speedup in B over speedup in A", ""),
                                .caption = "Right of 1 is better; filled: the interval excludes 1."});
  }
  document.tables.push_back(std::move(table));
  return document;
}

}  // namespace kerf
