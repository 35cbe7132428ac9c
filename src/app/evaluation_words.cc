// An evaluation in words.
#include <fmt/format.h>

#include <algorithm>

#include "app/report.h"
#include "app/words.h"

namespace kerf {

namespace {

std::string estimate_words(const Estimate& e) {
  return fmt::format("{} ({} to {}, {})", time_words(e.median), time_words(e.low), time_words(e.high),
                     count_words(e.samples, "sample"));
}

std::string baseline_name(const std::string& name) {
  if (name == "eager") return "eager PyTorch";
  if (name == "compile") return "torch.compile";
  return name;
}

}  // namespace

std::string verdict_words(const Evaluation& e) {
  if (e.verdict != Verdict::measured) {
    return to_string(e.verdict) + (e.rule && *e.rule != to_string(e.verdict) ? ": " + *e.rule : std::string());
  }
  if (e.receipt && e.receipt->quarantined) return "quarantined: faster than the speed of light";
  if (const Ratio* speedup = speedup_of(e)) return ratio_words(*speedup);
  if (e.receipt && !e.receipt->timed())
    return e.receipt->evidence == Evidence::silicon ? "right, not timed"
                                                    : fmt::format("right, {}", to_string(e.receipt->evidence));
  return e.receipt ? time_words(e.receipt->time_us.median) : "measured";
}

std::string bound_words(const Evaluation& e) {
  const auto& receipt = e.receipt;
  std::string of_light;
  if (receipt && receipt->fraction_of_speed_of_light && receipt->speed_of_light_us) {
    of_light =
        fmt::format("it runs at {} of the speed of light ({})", percent_words(*receipt->fraction_of_speed_of_light),
                    time_words(*receipt->speed_of_light_us));
  }
  if (!e.diagnosis.bound) {
    return of_light.empty() ? "not known: this machine was not measured (kerf doctor --calibrate)" : of_light;
  }
  std::string what;
  switch (*e.diagnosis.bound) {
    case Bound::memory:
      what = "memory bandwidth";
      break;
    case Bound::compute:
      what = "arithmetic";
      break;
    case Bound::latency:
      what = "latency: neither bandwidth nor arithmetic is used up";
      break;
    case Bound::occupancy:
      what = "occupancy: too little runs at the same time";
      break;
    case Bound::launch:
      what = "the cost of launching";
      break;
    case Bound::host:
      what = "the host side";
      break;
    case Bound::none:
      what = "nothing: it is as fast as the hardware allows";
      break;
  }
  return of_light.empty() ? what : what + "; " + of_light;
}

std::string evaluation_text(const Evaluation& e) {
  std::string text = fmt::format("verdict     {}\n", to_string(e.verdict));
  if (e.rule) text += fmt::format("rule        {}\n", *e.rule);
  if (e.message)
    text += fmt::format("message     {}{}\n", e.at ? fmt::format("{}:{}: ", e.at->line, e.at->column) : "",
                        one_line(*e.message));
  if (e.receipt) {
    const Receipt& r = *e.receipt;
    if (r.timed()) {
      text += fmt::format("time        {}{}{}\n", estimate_words(r.time_us), r.graph ? ", as one captured graph" : "",
                          r.evidence == Evidence::silicon ? "" : fmt::format(", {}", to_string(r.evidence)));
    } else {
      text += fmt::format("evidence    {}: right, and no time was taken\n", to_string(r.evidence));
    }
    if (r.warm_us) text += fmt::format("warm        {}\n", estimate_words(*r.warm_us));
    if (r.prepare_us) text += fmt::format("prepare     {}, counted in the time\n", estimate_words(*r.prepare_us));
    for (const auto& [name, estimate] : r.baselines) {
      text += fmt::format("{:<11} {}\n", name, estimate_words(estimate));
      if (const auto s = r.speedup.find(name); s != r.speedup.end()) {
        text += fmt::format("            {} vs {}{}\n", ratio_words(s->second), baseline_name(name),
                            s->second.win()    ? ""
                            : s->second.loss() ? ": slower"
                                               : ": the interval includes 1, no win");
      }
    }
    for (const auto& [name, why] : r.unavailable) {
      constexpr std::string_view word = "unavailable: ";
      text += fmt::format("{:<11} {}{}\n", name, why.starts_with(word) ? "" : word, why);
    }
    if (r.quarantined) text += "quarantined faster than 1.05 times the speed of light: never scored\n";
    if (!r.tune.empty()) {
      const auto tuned = std::ranges::find(e.checks, "tune", &Check::name);
      const bool reused = tuned != e.checks.end() && tuned->detail.contains("reused");
      text += fmt::format("tune        {}{}\n", r.tune, reused ? " (as chosen before on this machine)" : "");
    }
    if (r.discarded > 0)
      text += fmt::format("discarded   {} while the machine had company\n", count_words(r.discarded, "sample"));
    if (!r.isolation.empty()) text += fmt::format("isolation   {}\n", fmt::join(r.isolation, ", "));
  }
  if (e.verdict == Verdict::measured && !(e.receipt && !e.receipt->timed()))
    text += fmt::format("bound by    {}\n", bound_words(e));
  if (e.variants > 0)
    text += fmt::format("variants    {} of {} hidden ones supported\n", e.variants_supported, e.variants);
  std::size_t passed = 0;
  for (const Check& check : e.checks) passed += check.passed ? 1 : 0;
  if (!e.checks.empty()) text += fmt::format("checks      {} of {} passed\n", passed, e.checks.size());
  for (const Check& check : e.checks) {
    if (!check.passed) text += fmt::format("  failed    {}\n", check.name);
  }
  for (const Cause& cause : e.diagnosis.causes)
    text += fmt::format("cause       {}: {}\n", one_line(cause.name), one_line(cause.what));
  for (const HotSpot& spot : e.diagnosis.hot_spots) {
    text += fmt::format("hot spot    {}{}\n", spot.line > 0 ? fmt::format("line {}: ", spot.line) : "",
                        one_line(spot.what));
  }
  for (const std::string& advice : e.diagnosis.advice) text += fmt::format("advice      {}\n", one_line(advice));
  return text;
}

}  // namespace kerf
