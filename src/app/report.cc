#include "app/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>

#include "app/words.h"

namespace kerf {

namespace {

const SessionNode* best_of(const Report& report) {
  if (!report.result.best || report.nodes == nullptr) return nullptr;
  const auto index = static_cast<std::size_t>(*report.result.best);
  return index < report.nodes->size() ? &(*report.nodes)[index] : nullptr;
}

// A section is a heading and its lines; both renderings are made of them.
struct Section {
  std::string heading;
  std::vector<std::string> lines;
  std::string preformatted;
};

std::string name_of(const Report& report) {
  return report.problem_name.empty() || report.problem_name == report.problem
             ? report.problem
             : report.problem + " (" + report.problem_name + ")";
}

// The fastest right candidate that was no win, for honesty about what was tried.
const SessionNode* closest(const Report& report) {
  const SessionNode* found = nullptr;
  for (const SessionNode& node : *report.nodes) {
    const bool handed_over = node.index == report.result.best && !report.result.reference;
    const Ratio* speedup = handed_over ? nullptr : speedup_of(node.best_known());
    if (speedup == nullptr || node.best_known().receipt->quarantined) continue;
    if (found == nullptr || speedup->value > speedup_of(found->best_known())->value) found = &node;
  }
  return found;
}

// What a search's own measurements say of a node.
const Evaluation& searched(const SessionNode& node) {
  return node.remeasured.empty() ? node.evaluation : node.remeasured.back();
}

// How far the closest came, and why that is no win.
std::string closest_line(const SessionNode& node) {
  const Ratio& speedup = *speedup_of(node.best_known());
  std::string line = fmt::format("The closest, node {}, reached {}", node.index, ratio_words(speedup));
  if (node.confirmed && is_win(searched(node)))
    line += fmt::format(" when it was measured anew; the search had seen {}", ratio_words(*speedup_of(searched(node))));
  if (speedup.win()) return line + " in the search; it was not measured anew, and what is not confirmed is no win.";
  return line + (speedup.loss() ? "." : "; an interval that includes 1 is no win.");
}

// Who led the search and did not stand up to the confirming run.
std::vector<std::string> fallen_lines(const Report& report) {
  std::vector<std::string> lines;
  for (const SessionNode& node : *report.nodes) {
    if (!node.confirmed || node.confirmed->verdict == Verdict::measured || !is_win(searched(node))) continue;
    lines.push_back(fmt::format("Node {}, {} in the search, did not stand up to the confirming run: {}.", node.index,
                                ratio_words(*speedup_of(searched(node))),
                                one_line(node.confirmed->message.value_or(to_string(node.confirmed->verdict)))));
  }
  return lines;
}

// What is handed over where there is nothing to fall back to but the problem's own file.
std::string reference_line(const Report& report) {
  const SessionNodes& nodes = *report.nodes;
  const bool known = !nodes.empty() && nodes.front().evaluation.message.has_value();
  return fmt::format(
      "What is handed over is the reference itself, unchanged: the plan of its own operators is not right{}.",
      known ? " (" + one_line(*nodes.front().evaluation.message) + ")" : "");
}

Section found_section(const Report& report) {
  Section section{.heading = "What was found", .lines = {}, .preformatted = {}};
  const SessionNode* best = best_of(report);
  if (best == nullptr) {
    if (report.result.reference) {
      section.lines.push_back("No candidate was right, not even the identity plan.");
      section.lines.push_back(reference_line(report));
    } else {
      section.lines.push_back("Nothing was judged yet.");
    }
    return section;
  }
  const Evaluation& e = best->best_known();
  if (report.result.win) {
    section.lines.push_back(fmt::format("A kernel that is {} as fast as eager PyTorch: node {}.",
                                        ratio_words(*speedup_of(e)), best->index));
    if (const Ratio* compile = speedup_of(e, "compile")) {
      section.lines.push_back(fmt::format("Against torch.compile: {}{}.", ratio_words(*compile),
                                          compile->win()    ? ""
                                          : compile->loss() ? ", slower"
                                                            : ", no difference that is sure"));
    }
  } else if (is_untimed(e)) {
    const auto right = std::ranges::count_if(*report.nodes, [](const SessionNode& n) {
      return n.index > 0 && n.has_candidate() && n.best_known().verdict == Verdict::measured;
    });
    section.lines.push_back(fmt::format("{} of {} right. Which of them is fastest cannot be known here.", right,
                                        count_words(report.result.candidates, "candidate")));
    section.lines.push_back(
        report.result.reference
            ? reference_line(report)
            : "What is handed over is the identity plan: PyTorch's own operators, called one by one.");
    for (const auto& [name, why] : e.receipt->unavailable) {
      const std::string_view reason = why;
      constexpr std::string_view mark = "unavailable: ";
      section.lines.push_back(fmt::format("unavailable: {}: {}", name == "time" ? "times" : name,
                                          reason.starts_with(mark) ? reason.substr(mark.size()) : reason));
    }
    return section;
  } else {
    section.lines.push_back("No kernel was found that is surely faster than eager PyTorch.");
    if (const SessionNode* other = closest(report)) section.lines.push_back(closest_line(*other));
    std::ranges::move(fallen_lines(report), std::back_inserter(section.lines));
    section.lines.push_back(
        report.result.reference ? reference_line(report)
        : best->index == 0 ? "What is handed over is the identity plan: PyTorch's own operators, called one by one."
                           : fmt::format("What is handed over is the fastest that was right, node {}.", best->index));
    if (report.result.reference)
      section.lines.push_back(fmt::format("The figures below are node {}'s, the closest that was right.", best->index));
  }
  if (e.receipt) {
    std::string times = fmt::format("Time {}", time_words(e.receipt->time_us.median));
    for (const auto& [name, estimate] : e.receipt->baselines)
      times += fmt::format(", {} {}", name, time_words(estimate.median));
    section.lines.push_back(times + ".");
    for (const auto& [name, why] : e.receipt->unavailable)
      section.lines.push_back(fmt::format("{} unavailable: {}", name, why));
  }
  return section;
}

Section sure_section(const Report& report, const SessionNode& best) {
  Section section{.heading = "How sure", .lines = {}, .preformatted = {}};
  const Evaluation& e = best.best_known();
  if (report.result.confirmed && e.receipt) {
    section.lines.push_back(
        fmt::format("Measured anew at the end, together with the runners-up: {}, interleaved with the baselines; "
                    "these are the figures above.",
                    count_words(e.receipt->time_us.samples, "sample")));
  } else if (!is_untimed(e)) {
    section.lines.push_back(
        "Not confirmed: these are the search's own measurements. Resume the session to have it confirmed.");
  }
  const auto passed = std::ranges::count_if(e.checks, &Check::passed);
  std::string right = fmt::format("Right against double precision: {} of {} passed", passed,
                                  count_words(static_cast<std::int64_t>(e.checks.size()), "check"));
  if (e.variants > 0) right += fmt::format(", {} of {} hidden sizes supported", e.variants_supported, e.variants);
  section.lines.push_back(right + ".");
  for (const Check& check : e.checks) {
    if (!check.passed) section.lines.push_back(fmt::format("Not passed, and no ground to reject it: {}.", check.name));
  }
  if (e.receipt && e.receipt->discarded > 0) {
    section.lines.push_back(
        fmt::format("{} thrown away because the machine had company.", count_words(e.receipt->discarded, "sample")));
  }
  return section;
}

Section why_section(const Report& report, const SessionNode& best) {
  Section section{.heading = "Why it is faster", .lines = {}, .preformatted = {}};
  std::vector<std::vector<std::string>> rows;
  for (const LineStep& step : best_line(*report.nodes, best.index)) {
    rows.push_back({fmt::format("node {}", step.node), step.move.empty() ? "-" : step.move,
                    step.speedup ? fmt::format("{:.2f}x", *step.speedup) : "-",
                    step.gain ? fmt::format("{:+.0f} %", 100 * (*step.gain - 1)) : "", one_line(step.rationale)});
  }
  section.preformatted = table(rows, {2, 3});
  return section;
}

Section bound_section(const SessionNode& best) {
  Section section{.heading = "What bounds it now", .lines = {}, .preformatted = {}};
  const Evaluation& e = best.best_known();
  std::string bound = bound_words(e);
  if (!bound.empty()) bound[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(bound[0])));
  section.lines.push_back(bound + ".");
  for (std::size_t i = 0; i < e.diagnosis.hot_spots.size() && i < 3; ++i) {
    const HotSpot& spot = e.diagnosis.hot_spots[i];
    section.lines.push_back(fmt::format("Line {}: {} ({})", spot.line, one_line(spot.what), to_string(spot.evidence)));
  }
  return section;
}

Section next_section(const Report& report) {
  Section section{.heading = "What to do next", .lines = {}, .preformatted = {}};
  const SessionResult& r = report.result;
  const SessionNode* best = best_of(report);
  const auto fraction = best != nullptr && best->best_known().receipt
                            ? best->best_known().receipt->fraction_of_speed_of_light
                            : std::nullopt;
  if (r.status == SessionStatus::interrupted || r.status == SessionStatus::failed) {
    section.lines.push_back(fmt::format("Go on: kerf resume {}", r.session));
  } else if (fraction && *fraction >= 0.9) {
    section.lines.push_back("Little is left to gain on this machine: use it.");
  } else if (r.stopped.by == "candidates" || r.stopped.by == "time" || r.stopped.by == "usd") {
    section.lines.push_back(
        fmt::format("The budget ended the search; there is more to try: kerf resume {} --budget {}candidates",
                    r.session, std::max<std::int64_t>(2 * r.candidates, 8)));
  } else if (r.stopped.by == "exhausted" && r.candidates == 0 && r.spend.calls > 0) {
    section.lines.push_back(
        "No reply held a candidate that could be used: --dry-run prints what a model is asked. Try another model, or "
        "--synthesizer builtin, which needs none.");
  } else if (r.stopped.by == "exhausted" && r.candidates == 0) {
    section.lines.push_back(
        "Nothing could be written for this problem at these sizes: make it smaller with --set NAME=VALUE (each step of "
        "a loop in forward is traced as operators of its own). A candidate of your own can be judged with kerf "
        "evaluate.");
  } else if (r.stopped.by == "exhausted") {
    section.lines.push_back(
        "The synthesizer has tried all that it knows for this problem. A candidate of your own can be judged with kerf "
        "evaluate.");
  }
  if (best != nullptr) {
    const auto& advice = best->best_known().diagnosis.advice;
    for (std::size_t i = 0; i < advice.size() && i < 3; ++i) section.lines.push_back(one_line(advice[i]));
    section.lines.push_back(fmt::format("Look at the search: kerf show {}", r.session));
    if (r.win)
      section.lines.push_back(fmt::format("Take it over: kerf export {}/{} --format pytorch", r.session, best->index));
  }
  return section;
}

std::vector<Section> sections(const Report& report) {
  std::vector<Section> all{found_section(report)};
  if (report.result.spend.calls > 0) {
    all.push_back({.heading = "What it cost", .lines = {spend_words(report.result.spend) + "."}, .preformatted = {}});
  }
  if (const SessionNode* best = best_of(report)) {
    all.push_back(sure_section(report, *best));
    if (report.result.win && best->index != 0) all.push_back(why_section(report, *best));
    all.push_back(bound_section(*best));
  }
  all.push_back(next_section(report));
  if (!report.files.empty()) {
    Section files{.heading = "Files", .lines = {}, .preformatted = {}};
    for (const std::string& file : report.files) files.lines.push_back(file);
    all.push_back(std::move(files));
  }
  return all;
}

std::string summary_line(const Report& report) {
  const SessionResult& r = report.result;
  return fmt::format("session {}: {} in {}, stopped because {}", r.session, count_words(r.candidates, "candidate"),
                     duration_words(r.seconds), r.stopped.why);
}

}  // namespace

std::vector<LineStep> best_line(const SessionNodes& nodes, NodeIndex node) {
  std::vector<LineStep> steps;
  std::optional<double> before;
  std::vector<NodeIndex> line = line_to(nodes, node);
  // A branch that was started afresh still goes on from where every session begins.
  if (!line.empty() && line.front() != 0) line.insert(line.begin(), 0);
  for (const NodeIndex i : line) {
    const SessionNode& n = nodes[static_cast<std::size_t>(i)];
    LineStep step{.node = i,
                  .move = n.proposal.move,
                  .rationale = n.proposal.rationale,
                  .speedup = std::nullopt,
                  .gain = std::nullopt};
    if (const Ratio* speedup = speedup_of(n.best_known())) {
      step.speedup = speedup->value;
      if (before && *before > 0) step.gain = speedup->value / *before;
      before = speedup->value;
    }
    steps.push_back(std::move(step));
  }
  return steps;
}

std::string report_text(const Report& report) {
  std::string text = name_of(report) + "\n" + summary_line(report) + "\n";
  for (const Section& section : sections(report)) {
    text += "\n" + section.heading + "\n";
    for (const std::string& line : section.lines) text += "  " + line + "\n";
    std::string_view rest = section.preformatted;
    while (!rest.empty()) {
      const auto end = rest.find('\n');
      text += "  " + std::string(rest.substr(0, end)) + "\n";
      rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    }
  }
  return text;
}

std::string report_markdown(const Report& report) {
  std::string text = "# " + name_of(report) + "\n\n" + summary_line(report) + "\n";
  for (const Section& section : sections(report)) {
    text += "\n## " + section.heading + "\n\n";
    for (const std::string& line : section.lines) text += "- " + line + "\n";
    if (!section.preformatted.empty()) text += "```\n" + section.preformatted + "```\n";
  }
  return text;
}

nlohmann::json spend_json(const Spend& spend) {
  nlohmann::json json = {{"calls", spend.calls},
                         {"tokens_in", spend.tokens_in},
                         {"tokens_out", spend.tokens_out},
                         {"cached_in", spend.cached_in},
                         {"usd", nullptr},
                         {"saved_usd", spend.saved_usd}};
  if (const auto usd = spend.usd()) json["usd"] = *usd;
  return json;
}

std::string spend_words(const Spend& spend) {
  std::string text = fmt::format("{}, {} tokens in", count_words(spend.calls, "call"), spend.tokens_in);
  if (spend.cached_in > 0) text += fmt::format(" ({} from the provider's cache)", spend.cached_in);
  text += fmt::format(", {} out: ", spend.tokens_out);
  if (const auto usd = spend.usd()) {
    text += usd_words(*usd);
  } else if (spend.unpriced == spend.calls) {
    text += "the price is unknown";
  } else {
    text += fmt::format("{} and {} whose price is unknown", usd_words(spend.known_usd),
                        count_words(spend.unpriced, "call"));
  }
  if (spend.saved_usd > 0) text += fmt::format("; caching saved {}", usd_words(spend.saved_usd));
  return text;
}

namespace {

nlohmann::json handed_over(const SessionResult& r) {
  if (r.reference) return "reference";
  if (!r.best) return nullptr;
  return *r.best == 0 ? "identity" : "kernel";
}

}  // namespace

nlohmann::json report_json(const Report& report) {
  const SessionResult& r = report.result;
  nlohmann::json json = {{"schema", 1},
                         {"session", r.session},
                         {"problem", report.problem},
                         {"target", report.target},
                         {"candidates", r.candidates},
                         {"seconds", r.seconds},
                         {"status", to_string(r.status)},
                         {"stopped_by", r.stopped.by},
                         {"spend", spend_json(r.spend)},
                         {"best", nullptr},
                         {"handed_over", handed_over(r)},
                         {"error", nullptr},
                         {"files", report.files}};
  if (r.error) json["error"] = {{"kind", to_string(r.error->kind)}, {"message", r.error->message}};
  if (const SessionNode* best = best_of(report)) {
    json["best"] = {
        {"node", best->index}, {"win", r.win}, {"confirmed", r.confirmed}, {"evaluation", to_json(best->best_known())}};
    nlohmann::json line = nlohmann::json::array();
    for (const LineStep& step : best_line(*report.nodes, best->index)) {
      nlohmann::json entry = {
          {"node", step.node}, {"move", step.move}, {"rationale", step.rationale}, {"speedup", nullptr}};
      if (step.speedup) entry["speedup"] = *step.speedup;
      line.push_back(std::move(entry));
    }
    json["best"]["line"] = std::move(line);
  }
  return json;
}

}  // namespace kerf
