#include "synthesize/prompt/feedback.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "synthesize/prompt/fence.h"
#include "synthesize/reply/lines.h"

namespace kerf {
namespace {

constexpr int lines_around = 4;
constexpr std::size_t max_message = 3'000;  // bytes: a compiler can say much more, the first errors are what counts
constexpr std::size_t max_checks = 4;

std::string source_around(const Candidate& candidate, int line) {
  const std::vector<std::string_view> lines = split_lines(candidate.text);
  const int count = static_cast<int>(lines.size());
  if (line < 1 || line > count) return {};
  const int first = std::max(1, line - lines_around), last = std::min(count, line + lines_around);
  std::string text;
  for (int i = first; i <= last; ++i) text += std::string(lines[static_cast<std::size_t>(i - 1)]) + "\n";
  return fence(numbered(text, first), to_string(candidate.language));
}

std::string_view meaning(Verdict verdict) {
  switch (verdict) {
    case Verdict::rejected:
      return "it was refused before it ran";
    case Verdict::compile_error:
      return "it does not compile";
    case Verdict::crashed:
      return "it crashed";
    case Verdict::timed_out:
      return "it did not end in time";
    case Verdict::wrong:
      return "it ran, and its results are wrong";
    case Verdict::measured:
      return "it is right and was timed";
  }
  return "?";
}

std::string failure(const Evaluation& e, const Candidate& candidate) {
  std::string out = fmt::format("Verdict: {} ({}).", to_string(e.verdict), meaning(e.verdict));
  if (e.rule) out += fmt::format(" Rule: {}.", quote(*e.rule, 60));
  if (e.at) out += fmt::format(" At line {}, column {}.", e.at->line, e.at->column);
  out += "\n";
  if (e.message && !e.message->empty()) {
    const bool cut = e.message->size() > max_message;
    out += fence(std::string_view(*e.message).substr(0, max_message), "text");
    if (cut) out += "(the rest of the message is left out)\n";
  }
  if (e.at) {
    if (const std::string lines = source_around(candidate, e.at->line); !lines.empty())
      out += fmt::format("The source around line {}:\n{}", e.at->line, lines);
  }
  std::size_t shown = 0;
  for (const Check& check : e.checks) {
    if (check.passed || shown++ >= max_checks) continue;
    out += fmt::format("Failed check {}", quote(check.name, 60));
    if (!check.detail.is_null()) {
      const auto text = check.detail.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
      out += fmt::format(": {}", quote(text, 500));
    }
    out += "\n";
  }
  return out;
}

std::string success(const Evaluation& e, const Candidate& candidate) {
  std::string out;
  const Receipt& r = *e.receipt;
  out += fmt::format("Time: {:.4g} us (95 % interval {:.4g} to {:.4g}, cold caches).\n", r.time_us.median,
                     r.time_us.low, r.time_us.high);
  for (const auto& [name, ratio] : r.speedup) {
    const auto base = r.baselines.find(name);
    out += fmt::format("Against {}: {:.3f}x ({:.3f} to {:.3f})", name, ratio.value, ratio.low, ratio.high);
    if (base != r.baselines.end()) out += fmt::format(", which takes {:.4g} us", base->second.median);
    out += ".\n";
  }
  if (r.speed_of_light_us) {
    out += fmt::format("Speed of light of this problem on this machine: {:.4g} us", *r.speed_of_light_us);
    if (r.fraction_of_speed_of_light)
      out += fmt::format("; {:.1f} % of it is reached", 100 * *r.fraction_of_speed_of_light);
    out += ".\n";
  }
  if (r.quarantined) out += "It is faster than the speed of light allows, so that its time is not believed.\n";
  if (!r.tune.empty()) out += fmt::format("Tune point that was picked: {}.\n", quote(r.tune, 200));
  if (e.variants > 0)
    out += fmt::format("Right on {} of {} hidden variants (other sizes and hyperparameters).\n", e.variants_supported,
                       e.variants);
  const Diagnosis& d = e.diagnosis;
  if (d.bound) out += fmt::format("Bound: {}.\n", to_string(*d.bound));
  if (!d.causes.empty()) {
    out += "Causes, the main one first:\n";
    for (const Cause& cause : d.causes)
      out += fmt::format("- {}: {} ({})\n", quote(cause.name), quote(cause.what), to_string(cause.evidence));
  }
  if (!d.metrics.empty()) {
    out += "Metrics (value, unit, evidence):\n";
    for (const auto& [name, metric] : d.metrics) {
      // A profiler has a figure for each of some twenty stalls and units: what is next to nothing is left out.
      const bool one_of_many = name.starts_with("stall.") || name.starts_with("fraction.unit.");
      if ((one_of_many && metric.value < 0.05) || name.starts_with("profile.")) continue;
      out += fmt::format("- {}: {:.4g} {}, {}\n", name, metric.value, metric.unit, to_string(metric.evidence));
    }
  }
  if (!d.hot_spots.empty()) {
    const std::vector<std::string_view> lines = split_lines(candidate.text);
    out += "Hot spots:\n";
    for (const HotSpot& spot : d.hot_spots) {
      out += fmt::format("- line {}: {} ({})", spot.line, quote(spot.what), to_string(spot.evidence));
      if (spot.line >= 1 && static_cast<std::size_t>(spot.line) <= lines.size())
        out += fmt::format(": {}", quote(lines[static_cast<std::size_t>(spot.line - 1)], 120));
      out += "\n";
    }
  }
  if (d.timeline) {
    const Timeline& t = *d.timeline;
    out += fmt::format(
        "Inside {} (probes around operations, first {} programs, {:.4g} ns each; a launch {:.4g} us with probes, "
        "{:.4g} us without{}):\n",
        quote(t.kernel), t.programs, t.program_ns, t.probed_us, t.plain_us, t.disturbed ? ": disturbed by them" : "");
    for (const Timeline::Part& part : t.parts)
      out += fmt::format("- line {}: {} takes {:.0f} % of a program's time, {:.4g} ns in the median\n", part.line,
                         quote(part.op), 100 * part.share, part.median_ns);
  }
  for (const auto& [name, t] : d.traces) {
    out += fmt::format("What {} does: ", quote(name));
    if (t.launches > 0) {
      out += fmt::format(
          "{} kernels, busy {:.4g} us of {:.4g} us, longest gap {:.4g} us, {} copies, {} kinds of waits of the host.\n",
          t.launches, t.busy_us, t.span_us, t.longest_gap_us, t.copies, t.waits.size());
    } else {
      out += fmt::format("nothing on a device, {:.4g} us on the host.\n", t.host_us);
    }
    for (std::size_t i = 0; i < std::min<std::size_t>(t.kernels.size(), 4); ++i)
      out +=
          fmt::format("- {} x {}, {:.4g} us\n", t.kernels[i].launches, quote(t.kernels[i].name, 80), t.kernels[i].us);
    for (std::size_t i = 0; t.launches == 0 && i < std::min<std::size_t>(t.operators.size(), 4); ++i)
      out += fmt::format("- {} x {}, {:.4g} us\n", t.operators[i].calls, quote(t.operators[i].name, 80),
                         t.operators[i].us);
  }
  if (!d.advice.empty()) {
    out += "Advice, by fixed rules from these figures; it promises nothing:\n";
    for (const std::string& advice : d.advice) out += fmt::format("- {}\n", quote(advice));
  }
  return out;
}

}  // namespace

std::string feedback(const Evaluation& evaluation, const Candidate& candidate) {
  if (evaluation.verdict == Verdict::measured && evaluation.receipt) return success(evaluation, candidate);
  return failure(evaluation, candidate);
}

}  // namespace kerf
