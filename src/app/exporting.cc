#include "app/exporting.h"

#include <fmt/format.h>

#include "app/report.h"
#include "problem/json_fields.h"
#include "target/cpu/cpp.h"
#include "target/nvidia/cuda.h"

namespace kerf {

Result<Workload> kept_workload(const SessionRecord& record) {
  if (record.understood.is_object()) {
    const auto workloads = record.understood.find("workloads");
    if (workloads != record.understood.end() && workloads->is_array() && !workloads->empty())
      return workload_from_json(workloads->front());
    // As it was kept before sessions kept all that was understood.
    if (record.understood.contains("workload")) return workload_from_json(record.understood.at("workload"));
  }
  return user_error(fmt::format("session {} did not keep its workload: there is nothing to export from", record.id));
}

Result<std::string> exported(ExportFormat format, const SessionId& session, const SessionNode& node,
                             const Problem& problem, const Workload& workload) {
  const Source source = TRY(read_source(node.proposal.candidate));
  ExportRequest request;
  request.source = &source;
  request.problem = &problem;
  request.workload = &workload;
  if (source.candidate.language == Language::cuda) {
    request.prelude = TRY(cuda_prelude());
    request.flags = {cuda_standard};
  } else if (source.candidate.language == Language::cpp) {
    request.prelude = TRY(cpp_prelude());
  }
  const Evaluation& evaluation = node.best_known();
  request.headline = fmt::format("node {}: {}", node_name(session, node.index), verdict_words(evaluation));
  if (speedup_of(evaluation) != nullptr) request.headline += " vs eager";
  const std::vector<TunePoint> points = TRY(tune_points(source));
  const std::string picked = evaluation.receipt ? evaluation.receipt->tune : "";
  for (const TunePoint& point : points) {
    if (to_string(point) == picked) request.tune = point;
  }
  if (request.tune.empty() && !points.empty()) request.tune = points.front();
  return export_candidate(format, request);
}

std::string reference_module(const Problem& problem) {
  return "# The reference itself: kerf found nothing that is surely faster.\n" + problem.source +
         (problem.source.ends_with('\n') ? "" : "\n") + "\n\nModelNew = Model\n";
}

}  // namespace kerf
