#include "session/recall.h"

#include <algorithm>

namespace kerf {

Recalled recalled(const SessionNode& node) {
  return {.node = node.index,
          .candidate = node.proposal.candidate,
          .evaluation = node.remeasured.empty() ? node.evaluation : node.remeasured.back(),
          .recipe = node.proposal.recipe,
          .rationale = node.proposal.rationale,
          .log_speedup = node.outcome.reward.mean};
}

void recall(SynthesisRequest& request, const Expansion& expansion, const SessionNodes& nodes) {
  request.memory = expansion.memory;
  request.ancestors.clear();
  request.siblings.clear();
  if (expansion.memory == MemoryOperator::fresh || expansion.parents.empty()) return;
  const auto exists = [&](NodeIndex i) { return i >= 0 && static_cast<std::size_t>(i) < nodes.size(); };

  std::vector<NodeIndex> chain = line_to(nodes, expansion.parents[0]);
  std::ranges::reverse(chain);
  for (const NodeIndex i : chain) {
    const SessionNode& node = nodes[static_cast<std::size_t>(i)];
    if (node.has_candidate() && request.ancestors.size() < max_ancestors) request.ancestors.push_back(recalled(node));
  }
  if (expansion.memory == MemoryOperator::combine) {
    for (std::size_t p = 1; p < expansion.parents.size() && request.siblings.size() < max_siblings; ++p) {
      if (exists(expansion.parents[p]))
        request.siblings.push_back(recalled(nodes[static_cast<std::size_t>(expansion.parents[p])]));
    }
  } else if (expansion.memory == MemoryOperator::siblings) {
    std::vector<const SessionNode*> children;
    for (const SessionNode& node : nodes) {
      if (node.parent() == expansion.parents[0] && node.has_candidate()) children.push_back(&node);
    }
    std::ranges::stable_sort(children, {},
                             [](const SessionNode* n) { return std::pair(n->measured(), n->outcome.reward.mean); });
    const std::size_t skipped = children.size() > max_siblings ? children.size() - max_siblings : 0;
    for (std::size_t i = skipped; i < children.size(); ++i) request.siblings.push_back(recalled(*children[i]));
  }
}

}  // namespace kerf
