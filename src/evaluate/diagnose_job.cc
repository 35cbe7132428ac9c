#include "evaluate/diagnose_job.h"

#include "evaluate/watch_diagnosis.h"

namespace kerf {

void diagnose_picked(const SharedState& shared, CandidateState& c) {
  const auto shape = shape_of_plan(c.source, c.primary(), c.point(), shared.options.threads);
  c.diagnosis = diagnose({.source = c.source,
                          .workload = c.primary(),
                          .receipt = c.timed.receipt,
                          .limits = shared.options.limits,
                          .shape = shape,
                          .step_us = c.timed.step_us,
                          .remarks = c.image().remarks});
  c.diagnosis.timeline = c.timeline;
  c.diagnosis.traces = c.known_traces;
  if (c.watched)
    add_watch(c.diagnosis, *c.watched,
              {.source = c.source,
               .step_us = c.timed.step_us,
               .time_us = c.timed.receipt.time_us.median,
               .threads = shared.options.threads,
               .bytes_per_us = shared.options.limits.bytes_per_us});
  if (!c.profile || !shared.options.gpu) return;
  const auto device = c.tools.runner->describe();
  add_profile(c.diagnosis, *c.profile,
              {.source = c.source,
               .workload = c.primary(),
               .shape = shape ? &*shape : nullptr,
               .step_us = c.timed.step_us,
               .time_us = c.timed.receipt.time_us.median,
               .launch_us = shared.options.limits.launch_us,
               .gpu = *shared.options.gpu,
               .sms = device.is_object() ? device.value("sms", 0) : 0});
}

}  // namespace kerf
