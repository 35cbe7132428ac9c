#include "evaluate/probe_job.h"

namespace kerf {
namespace {

KernelProber* prober_of(const CandidateState& c) { return dynamic_cast<KernelProber*>(c.tools.backend.get()); }

}  // namespace

bool can_be_probed(const CandidateState& c) {
  return c.request.profile && c.profile && prober_of(c) != nullptr &&
         slowest_launch(c.source.plan, c.timed.step_us) >= 0;
}

void instrument_picked(CandidateState& c) {
  c.probed = prober_of(c)->probed(c.source, c.primary(), c.point(), slowest_launch(c.source.plan, c.timed.step_us));
}

Result<> probe_picked(SharedState& shared, CandidateState& c) {
  const int step = slowest_launch(c.source.plan, c.timed.step_us);
  const auto device = c.tools.runner->describe();
  const double mhz = sm_mhz(c.profile->answer, step, device.is_object() ? device.value("clock_khz", 0) : 0);
  auto taken =
      take_timeline(shared.profile_tools(*c.tools.runner), c.profile_request(), *c.probed, step, mhz, c.random);
  if (taken) {
    c.timeline = *std::move(taken);
  } else if (taken.error().kind == ErrorKind::candidate) {
    return std::unexpected(taken.error());
  } else {
    c.timed.receipt.unavailable["timeline"] = taken.error().message;
    static_cast<void>(shared.watched(std::move(taken)));
  }
  return {};
}

}  // namespace kerf
