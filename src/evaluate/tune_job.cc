#include "evaluate/tune_job.h"

#include <algorithm>

#include "base/hash.h"
#include "evaluate/time_job.h"
#include "problem/json_fields.h"

namespace kerf {
namespace {

// A pick holds on the machine, and the device, on which it was found.
std::string tune_key(const SharedState& shared, const CandidateState& c) {
  const auto device = c.tools.runner->describe();
  return Digest()
      .add(shared.options.graph ? "tune of graphs" : "tune")
      .add(shared.machine)
      .add(device.is_object() ? device.value("name", std::string()) : std::string())
      .add(harness_version)
      .add(c.candidate.id())
      .add(c.tools.backend->version())
      .add(problem_key(shared, c))
      .hex();
}

}  // namespace

std::optional<Check> known_pick(SharedState& shared, CandidateState& c) {
  const auto kept = shared.parts.cache.get(tune_key(shared, c));
  if (!kept) return std::nullopt;
  auto detail = read_json(*kept);
  if (!detail.is_object() || !detail.contains("pick") || !detail["pick"].is_string()) return std::nullopt;
  const auto pick =
      std::ranges::find(c.points, detail["pick"].get<std::string>(), [](const TunePoint& p) { return to_string(p); });
  if (pick == c.points.end()) return std::nullopt;
  c.pick = static_cast<std::size_t>(pick - c.points.begin());
  detail["reused"] = true;
  return Check{.name = "tune", .passed = true, .detail = std::move(detail)};
}

Result<> tune_points_of(SharedState& shared, CandidateState& c) {
  auto result =
      shared.watched(tune(shared.timing_tools(*c.tools.runner), c.source, c.points, c.images, c.primary(), c.random));
  if (!result && is_no_graph(shared, c, result.error())) return {};
  c.tuned = TRY(std::move(result));
  return {};
}

void keep_pick(SharedState& shared, CandidateState& c) {
  c.pick = c.tuned.pick;
  const auto check = std::ranges::find(c.tuned.checks, "tune", &Check::name);
  if (check == c.tuned.checks.end()) return;
  auto kept = check->detail;
  kept["tuned_unix_ms"] = shared.parts.clock.unix_ms();
  shared.parts.cache.put(tune_key(shared, c), kept.dump());
}

}  // namespace kerf
