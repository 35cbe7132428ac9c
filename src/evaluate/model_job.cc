#include "evaluate/model_job.h"

namespace kerf {

bool can_be_modelled(const SharedState& shared, const CandidateState& c) {
  return c.candidate.language == Language::cpp && shared.options.model_loop;
}

void model_picked(const SharedState& shared, CandidateState& c) {
  const auto known = explain_loop(c.diagnosis, c.source, c.image().path, shared.options.model_loop);
  if (!known) c.timed.receipt.unavailable["loop"] = known.error().message;
}

}  // namespace kerf
