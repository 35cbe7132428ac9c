// A session's tree and its nodes in words.
#pragma once

#include <optional>
#include <string>

#include "session/node.h"
#include "store/store.h"

namespace kerf {

// One line a node, indented below its parent; the line to `best` is marked.
[[nodiscard]] std::string tree_text(const SessionNodes& nodes, std::optional<NodeIndex> best);
[[nodiscard]] std::string node_text(const SessionId& session, const SessionNodes& nodes, const SessionNode& node);

}  // namespace kerf
