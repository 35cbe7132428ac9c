#include "evaluate/profile_job.h"

#include "evaluate/statistics.h"

namespace kerf {

bool worth_a_profile(SharedState& shared, const CandidateState& c) {
  const Receipt& r = c.timed.receipt;
  if (r.quarantined) return false;
  const auto [best, first] = shared.best_us.try_emplace(c.primary().id, r.time_us.median);
  // By more than two copies of one program differ.
  const bool faster = first || r.time_us.median < best->second * (1 - systematic_error);
  if (faster) best->second = r.time_us.median;
  return faster || c.request.profile || c.request.effort == Effort::confirm;
}

void expect_profile(const SharedState& shared, const CandidateState& c) {
  const ProfileRequest request = c.profile_request();
  if (steps_to_profile(c.source.plan, c.timed.step_us).empty() && !request.quotable) return;
  c.tools.runner->expect_profile({.source = &c.source,
                                  .image = &c.image(),
                                  .workload = &c.primary(),
                                  .tune = c.point(),
                                  .threads = shared.options.threads},
                                 request.effort);
}

Result<> profile_picked(SharedState& shared, CandidateState& c) {
  c.profile.reset();
  auto taken = take_profile(shared.profile_tools(*c.tools.runner), c.profile_request(), c.random);
  auto& unavailable = c.timed.receipt.unavailable;
  if (taken) {
    if (!taken->no_lines.empty()) unavailable["lines"] = taken->no_lines;
    if (!taken->no_counters.empty()) unavailable["profile"] = taken->no_counters;
    if (!taken->no_activity.empty()) unavailable["activity"] = taken->no_activity;
    if (!taken->no_ncu.empty()) unavailable["ncu"] = taken->no_ncu;
    c.profile = *std::move(taken);
  } else if (taken.error().kind == ErrorKind::candidate) {
    return std::unexpected(taken.error());
  } else {
    unavailable["profile"] = taken.error().message;
    static_cast<void>(shared.watched(std::move(taken)));
  }
  return {};
}

}  // namespace kerf
