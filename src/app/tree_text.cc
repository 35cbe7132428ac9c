#include "app/tree_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "app/report.h"
#include "app/words.h"

namespace kerf {

std::string tree_text(const SessionNodes& nodes, std::optional<NodeIndex> best) {
  std::vector<std::vector<NodeIndex>> children(nodes.size());
  std::vector<NodeIndex> roots;
  for (const SessionNode& node : nodes) {
    const auto parent = node.parent();
    if (parent && *parent >= 0 && *parent < node.index)
      children[static_cast<std::size_t>(*parent)].push_back(node.index);
    else
      roots.push_back(node.index);
  }
  const std::vector<NodeIndex> line = best ? line_to(nodes, *best) : std::vector<NodeIndex>{};
  std::string text;
  // Depth first without recursion: a tree may be as deep as it has nodes.
  std::vector<std::pair<NodeIndex, int>> stack;
  for (auto it = roots.rbegin(); it != roots.rend(); ++it) stack.emplace_back(*it, 0);
  while (!stack.empty()) {
    const auto [index, depth] = stack.back();
    stack.pop_back();
    const SessionNode& node = nodes[static_cast<std::size_t>(index)];
    const bool on_line = std::ranges::find(line, index) != line.end();
    const int indent = std::min(depth, 20);
    text += fmt::format(
        "{} {}{:>3}  {}  {}{}\n", on_line ? '*' : ' ', std::string(static_cast<std::size_t>(2 * indent), ' '), index,
        node.proposal.move.empty() ? "candidate" : node.proposal.move,
        node.has_candidate() ? verdict_words(node.best_known()) : "none", node.confirmed ? ", confirmed" : "");
    const auto& below = children[static_cast<std::size_t>(index)];
    for (auto it = below.rbegin(); it != below.rend(); ++it) stack.emplace_back(*it, depth + 1);
  }
  return text;
}

std::string node_text(const SessionId& session, const SessionNodes& nodes, const SessionNode& node) {
  std::string text = fmt::format("node {} of session {}\n", node.index, session);
  if (!node.proposal.move.empty()) text += fmt::format("move        {}\n", node.proposal.move);
  if (!node.proposal.rationale.empty()) text += fmt::format("rationale   {}\n", one_line(node.proposal.rationale));
  if (const auto& recipe = node.proposal.recipe; recipe.is_object() && recipe.contains("member"))
    text += fmt::format("written by  {}, chosen with probability {:.2f}\n",
                        one_line(recipe["member"].get<std::string>()), recipe.value("propensity", 1.0));
  if (const auto parent = node.parent())
    text += fmt::format("built on    node {}, remembering: {}\n", *parent, to_string(node.expansion.memory));
  if (!node.expansion.reason.empty()) text += fmt::format("chosen      {}\n", one_line(node.expansion.reason));
  if (node.has_candidate()) text += fmt::format("candidate   {}\n", short_digest(node.proposal.candidate.id()));
  std::vector<std::string> line;
  for (const LineStep& step : best_line(nodes, node.index)) {
    line.push_back(fmt::format("{}{}", step.node, step.speedup ? fmt::format(" ({:.2f}x)", *step.speedup) : ""));
  }
  text += fmt::format("line        {}\n\n", fmt::join(line, " > "));
  text += evaluation_text(node.evaluation);
  for (std::size_t i = 0; i < node.remeasured.size(); ++i) {
    text += fmt::format("\nMeasured again ({}): {}\n", i + 1, verdict_words(node.remeasured[i]));
  }
  if (node.confirmed) text += "\nConfirming run\n" + evaluation_text(*node.confirmed);
  return text;
}

}  // namespace kerf
