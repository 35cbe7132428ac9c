// From a session's node to the exporter's request.
#pragma once

#include "candidate/export.h"
#include "session/node.h"
#include "store/store.h"

namespace kerf {

// The primary workload as the session was judged on it, as the store kept it.
[[nodiscard]] Result<Workload> kept_workload(const SessionRecord& record);
[[nodiscard]] Result<std::string> exported(ExportFormat format, const SessionId& session, const SessionNode& node,
                                           const Problem& problem, const Workload& workload);
// The problem's own file as a module that takes part like an exported one: its ModelNew is its Model.
[[nodiscard]] std::string reference_module(const Problem& problem);

}  // namespace kerf
