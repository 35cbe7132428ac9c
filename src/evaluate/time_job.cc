#include "evaluate/time_job.h"

namespace kerf {
namespace {

// Beyond what the interval of the time leaves open.
bool is_faster_than_light(const Receipt& receipt, std::optional<double> shortest_us) {
  return shortest_us && receipt.time_us.high > 0 && *shortest_us > 1.05 * receipt.time_us.high;
}

Result<> prepare_one(SharedState& shared, const CandidateState& c, Baseline baseline, bool held) {
  const std::pair key{c.primary().id, baseline};
  if (shared.baselines.contains(key)) return {};
  auto ready = shared.parts.oracle.prepare_baseline(c.primary().id, baseline, held);
  if (!ready && ready.error().kind != ErrorKind::unavailable)
    return std::unexpected(shared.watched(std::move(ready)).error());
  shared.baselines[key] = ready ? "" : ready.error().message;
  return {};
}

// What was used: part of every receipt.
void describe_means(Receipt& r, const SharedState& shared, const CandidateState& c) {
  r.tune = to_string(c.point());
  r.machine = shared.parts.watch.describe();
  r.machine["threads"] = shared.options.threads;
  if (auto device = c.tools.runner->describe(); !device.is_null()) r.machine["device"] = std::move(device);
  r.versions = shared.options.versions;
  r.versions.update(shared.parts.oracle.versions());
  if (c.primary().exact_convolutions) r.versions["tf32_cudnn"] = false;
  r.versions["compiler"] = c.tools.backend->version();
  r.isolation = c.tools.runner->isolation();
}

}  // namespace

std::vector<Baseline> wanted_baselines(const SharedState& shared, const CandidateState& c) {
  const bool confirm = c.request.effort == Effort::confirm;
  std::vector<Baseline> wanted = {Baseline::eager};
  if (confirm || shared.options.compile_baseline_when_screening ||
      shared.settled.contains({c.primary().id, Baseline::compile})) {
    wanted.push_back(Baseline::compile);
  }
  if (confirm && shared.options.max_autotune) wanted.push_back(Baseline::max_autotune);
  return wanted;
}

Result<> prepare_baselines(SharedState& shared, const CandidateState& c) {
  for (const auto baseline : c.wanted) TRY(prepare_one(shared, c, baseline, true));
  return {};
}

Result<> settle_baselines(SharedState& shared, const CandidateState& c) {
  for (const auto baseline : c.wanted) {
    shared.parts.oracle.await_baseline(c.primary().id, baseline);
    TRY(prepare_one(shared, c, baseline, false));
  }
  return {};
}

bool is_no_graph(const SharedState& shared, CandidateState& c, const Error& error) {
  if (!shared.options.graph || error.kind != ErrorKind::unavailable) return false;
  c.untimed = error.message;
  return true;
}

Result<> time_picked(SharedState& shared, CandidateState& c) {
  TRY(prepare_baselines(shared, c));  // nothing to do, unless the oracle was started anew
  std::vector<Baseline> ready;
  std::map<std::string, std::string> missing;
  for (const auto baseline : c.wanted) {
    const auto& why = shared.baselines[{c.primary().id, baseline}];
    if (why.empty()) {
      ready.push_back(baseline);
    } else {
      missing[to_string(baseline)] = why;
    }
  }
  const TimingRequest request{
      .source = c.source,
      .image = c.image(),
      .point = c.point(),
      .workload = c.primary(),
      .baselines = std::move(ready),
      .options = c.request.effort == Effort::confirm ? shared.options.confirm : shared.options.screen};
  const auto light = speed_of_light_us(c.primary(), shared.options.limits);
  const auto shortest = shortest_believable_us(c.primary(), shared.options.limits);
  // What seems faster than light is measured a second time before that is held against it.
  for (int attempt = 0; attempt < 2; ++attempt) {
    auto timed = shared.watched(time_candidate(shared.timing_tools(*c.tools.runner), request, c.random));
    if (!timed && is_no_graph(shared, c, timed.error())) return {};
    c.timed = TRY(std::move(timed));
    if (c.timed.finding || !is_faster_than_light(c.timed.receipt, shortest)) break;
  }
  auto& r = c.timed.receipt;
  r.unavailable.merge(missing);
  describe_means(r, shared, c);
  r.speed_of_light_us = light;
  if (light && r.time_us.median > 0) r.fraction_of_speed_of_light = *light / r.time_us.median;
  r.quarantined = is_faster_than_light(r, shortest);
  return {};
}

Receipt receipt_without_times(const SharedState& shared, const CandidateState& c, Evidence evidence,
                              const std::string& why) {
  Receipt r{.evidence = evidence, .graph = shared.options.graph};
  r.unavailable["time"] = why;
  describe_means(r, shared, c);
  return r;
}

}  // namespace kerf
