#include "evaluate/trace_job.h"

namespace kerf {

bool needs_traces(const SharedState& shared, CandidateState& c) {
  if (!c.request.profile && !c.request.traces) return false;
  for (const auto& [name, estimate] : c.timed.receipt.baselines) {
    const auto known = shared.traces.find({c.primary().id, name});
    if (known == shared.traces.end()) {
      c.traces[name];
    } else if (known->second) {
      c.known_traces[name] = *known->second;
    } else {
      c.timed.receipt.unavailable["trace." + name] = known->second.error().message;
    }
  }
  return !c.traces.empty();
}

void trace_baselines(SharedState& shared, CandidateState& c) {
  for (auto& [name, trace] : c.traces) {
    const auto baseline = name == to_string(Baseline::eager)     ? Baseline::eager
                          : name == to_string(Baseline::compile) ? Baseline::compile
                                                                 : Baseline::max_autotune;
    const auto text = shared.parts.oracle.trace_baseline(c.primary().id, baseline);
    auto read = text ? read_torch_trace(*text) : Result<TorchTrace>(std::unexpected(text.error()));
    if (!read && read.error().kind == ErrorKind::user)
      read = fail(ErrorKind::unavailable, "unavailable: " + read.error().message);
    if (read && shared.options.gpu && read->launches + read->copies == 0)
      read = fail(ErrorKind::unavailable, "unavailable: PyTorch's profiler saw nothing of the GPU");
    if (read) shorten(*read);
    trace = std::move(read);
  }
}

void keep_traces(SharedState& shared, CandidateState& c) {
  for (auto& [name, trace] : c.traces) {
    if (trace) {
      c.known_traces[name] = *trace;
    } else {
      c.timed.receipt.unavailable["trace." + name] = trace.error().message;
    }
    shared.traces.insert_or_assign({c.primary().id, name}, std::move(trace));
  }
}

}  // namespace kerf
