#include "evaluate/lint_job.h"

namespace kerf {
namespace {

Result<> lint_point(CandidateState& c, const TunePoint& point) {
  TRY(lint(c.source, c.primary(), point));
  TRY(c.tools.backend->check(c.source, c.primary(), point, nullptr));
  return {};
}

}  // namespace

Result<> lint_candidate(SharedState& shared, CandidateState& c) {
  c.points.clear();
  c.source = TRY(read_source(c.candidate));
  c.tools = TRY(shared.parts.languages.find(c.candidate.language));
  const auto all = TRY(tune_points(c.source));
  std::optional<Error> first;
  for (const auto& point : all) {
    auto checked = lint_point(c, point);
    if (checked) {
      c.points.push_back(point);
    } else if (checked.error().kind != ErrorKind::candidate || all.size() == 1) {
      return std::unexpected(std::move(checked).error());
    } else if (!first) {
      first = std::move(checked).error();
    }
  }
  if (c.points.empty()) return std::unexpected(std::move(*first));
  return {};
}

}  // namespace kerf
