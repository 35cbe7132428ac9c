// A node as the search left it, for tests of what is made of nodes.
#pragma once

#include <fmt/format.h>

#include <optional>

#include "session/node.h"

namespace kerf::testing_node {

inline SessionNode node(NodeIndex index, std::optional<NodeIndex> parent, double speedup, double spread = 0.01) {
  SessionNode n;
  n.index = index;
  if (parent) n.expansion.parents = {*parent};
  n.proposal.candidate.text = fmt::format("node {}", index);
  n.evaluation.verdict = Verdict::measured;
  n.evaluation.receipt.emplace();
  n.evaluation.receipt->speedup["eager"] = {
      .value = speedup, .low = speedup * (1 - spread), .high = speedup * (1 + spread)};
  n.outcome = outcome_of(n.evaluation);
  return n;
}

}  // namespace kerf::testing_node
