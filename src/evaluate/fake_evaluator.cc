#include "evaluate/fake_evaluator.h"

#include <cmath>
#include <cstdlib>
#include <utility>

#include "base/hash.h"
#include "base/random.h"

namespace kerf {
namespace {

// The word after `key` at the start of a line, with what follows it on that line.
std::optional<std::string> directive(const std::string& text, const std::string& key) {
  for (std::size_t at = text.find(key); at != std::string::npos; at = text.find(key, at + 1)) {
    if (at + key.size() >= text.size() || text[at + key.size()] != ' ') continue;
    const auto start = at + key.size() + 1;
    return text.substr(start, text.find('\n', start) - start);
  }
  return std::nullopt;
}

Ratio around(double value, double relative) {
  return {.value = value, .low = value * std::exp(-relative), .high = value * std::exp(relative)};
}
Estimate time_around(double us, double relative, int samples) {
  return {.median = us, .low = us * std::exp(-relative), .high = us * std::exp(relative), .samples = samples};
}

}  // namespace

Landscape digest_landscape(double best, std::uint64_t seed) {
  return [=](const Candidate& candidate, const EvaluationRequest&) {
    Random random(fast_hash(candidate.text, seed));
    FakeFate fate;
    if (random.uniform() < 0.1) {
      fate.verdict = Verdict::wrong;
      fate.rule = "fp64_error";
      fate.message = "out is wrong at [0]";
      return fate;
    }
    // Good ones are rare: the square root of a uniform number leans towards the low end once it is turned round.
    const double low = -0.7, high = std::log(best), u = 1 - std::sqrt(random.uniform());
    fate.speedup = std::exp(low + (high - low) * u);
    return fate;
  };
}

Landscape scripted_landscape() {
  return [](const Candidate& candidate, const EvaluationRequest&) {
    FakeFate fate;
    if (const auto word = directive(candidate.text, "speedup")) fate.speedup = std::strtod(word->c_str(), nullptr);
    if (const auto word = directive(candidate.text, "code")) fate.code = *word;
    if (const auto words = directive(candidate.text, "verdict")) {
      const auto space = words->find(' ');
      fate.verdict = verdict_from(words->substr(0, space)).value_or(Verdict::rejected);
      if (space != std::string::npos) fate.rule = words->substr(space + 1);
      fate.message = "as the script says";
    }
    return fate;
  };
}

FakeEvaluator::FakeEvaluator(Loop& loop, FakeEvaluatorOptions options) : loop_(loop), options_(std::move(options)) {}

Evaluation FakeEvaluator::evaluate(const Candidate& candidate, const EvaluationRequest& request, int attempt) const {
  auto fate = options_.landscape(candidate, request);
  Evaluation e;
  e.candidate = candidate.id();
  e.id = e.candidate + "-" + std::to_string(attempt);
  e.language = to_string(candidate.language);
  if (request.problem) {
    e.problem = request.problem->problem.id;
    e.workload = request.problem->problem.sizes;
    e.variants = request.problem->workloads.empty() ? 0 : static_cast<int>(request.problem->workloads.size()) - 1;
    e.variants_supported = e.variants;
  }
  e.code = fate.code;
  if (const auto known = request.known_code && !e.code.empty() ? request.known_code(e.code) : std::nullopt)
    fate = {.verdict = Verdict::rejected, .rule = "repetition", .message = "the same code as " + *known};
  e.verdict = fate.verdict;
  e.jobs.push_back({.kind = "compile", .seconds = 0.2, .cached = false});
  if (fate.verdict != Verdict::measured) {
    e.rule = fate.rule.empty() ? std::string(to_string(fate.verdict)) : fate.rule;
    e.message = fate.message;
    e.at = Location{};
    e.checks.push_back({.name = *e.rule, .passed = false, .detail = {}});
    return e;
  }
  Random noise(fast_hash(candidate.text, options_.seed + 0x9e37 * static_cast<std::uint64_t>(attempt)));
  const double spread = request.effort == Effort::confirm ? options_.noise / 2 : options_.noise;
  const double speedup = fate.speedup * std::exp(spread * noise.normal());
  const double width = 1.96 * spread + 0.005;
  const int samples = request.effort == Effort::confirm ? 30 : 9;
  Receipt r;
  r.time_us = time_around(options_.eager_us / speedup, width, samples);
  r.raw_us.assign(static_cast<std::size_t>(samples), r.time_us.median);
  r.warm_us = time_around(0.9 * r.time_us.median, width, samples);
  r.baselines["eager"] = time_around(options_.eager_us, width, samples);
  r.speedup["eager"] = around(speedup, width);
  r.baselines["compile"] = time_around(options_.eager_us / options_.compile_speedup, width, samples);
  r.speedup["compile"] = around(speedup / options_.compile_speedup, width);
  r.speed_of_light_us = options_.eager_us / options_.best_possible;
  r.fraction_of_speed_of_light = *r.speed_of_light_us / r.time_us.median;
  r.quarantined = *r.fraction_of_speed_of_light > 1.05;
  r.machine = {{"cores", 2}};
  r.versions = {{"kerf", "fake"}};
  e.receipt = std::move(r);
  e.diagnosis.bound = fate.bound;
  e.checks.push_back({.name = "fp64_error", .passed = true, .detail = {}});
  e.jobs.push_back({.kind = "time", .seconds = 0.1, .cached = false});
  return e;
}

void FakeEvaluator::submit(Candidate candidate, EvaluationRequest request, Done done) {
  submitted_.push_back({.candidate = candidate.id(), .effort = request.effort, .remeasure = request.remeasure});
  Result<Evaluation> answer = evaluate(candidate, request, attempts_[candidate.id()]++);
  if (!failures_.empty()) {
    answer = std::unexpected(std::move(failures_.front()));
    failures_.erase(failures_.begin());
  }
  const auto ticket = next_ticket_++;
  waiting_->emplace(ticket, std::move(done));
  auto reply = [waiting = waiting_, ticket, answer = std::move(answer)]() mutable {
    auto node = waiting->extract(ticket);
    if (!node.empty()) node.mapped()(std::move(answer));
  };
  if (options_.delay.count() > 0) {
    loop_.after(options_.delay, std::move(reply));
  } else {
    loop_.post(std::move(reply));
  }
}

void FakeEvaluator::cancel_all() {
  auto waiting = std::exchange(*waiting_, {});
  for (auto& [ticket, done] : waiting) {
    loop_.post(
        [done = std::move(done)]() mutable { done(fail(ErrorKind::cancelled, "the evaluation was cancelled")); });
  }
}

}  // namespace kerf
