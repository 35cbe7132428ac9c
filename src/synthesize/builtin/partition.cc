#include "synthesize/builtin/partition.h"

#include <algorithm>
#include <map>
#include <set>

#include "synthesize/builtin/lower.h"

namespace kerf {
namespace {

// A region's worth is in memory traffic saved; very long ones only cost compile time and registers.
constexpr std::size_t max_group = 48;

}  // namespace

NodeSet unite(const NodeSet& a, const NodeSet& b) {
  NodeSet made;
  std::ranges::set_union(a, b, std::back_inserter(made));
  return made;
}

bool orderable(const GeneralGraph& graph, const Partition& partition) {
  const std::size_t n = graph.nodes.size();
  std::vector<std::size_t> unit(n);
  for (std::size_t i = 0; i < n; ++i) unit[i] = i;
  for (std::size_t g = 0; g < partition.groups.size(); ++g)
    for (const std::size_t node : partition.groups[g]) unit[node] = n + g;
  std::map<std::string, std::size_t> position;
  for (std::size_t i = 0; i < n; ++i) position[graph.nodes[i].name] = i;
  std::map<std::size_t, std::set<std::size_t>> waits;
  std::map<std::size_t, std::set<std::size_t>> wakes;
  for (std::size_t i = 0; i < n; ++i) {
    waits.try_emplace(unit[i]);
    for (const TensorRef& ref : references(graph.nodes[i]))
      if (const auto it = position.find(ref.name); it != position.end() && unit[it->second] != unit[i]) {
        waits[unit[i]].insert(unit[it->second]);
        wakes[unit[it->second]].insert(unit[i]);
      }
  }
  std::vector<std::size_t> ready;
  std::map<std::size_t, std::size_t> left;
  for (const auto& [u, on] : waits) {
    left[u] = on.size();
    if (on.empty()) ready.push_back(u);
  }
  std::size_t done = 0;
  while (!ready.empty()) {
    const std::size_t u = ready.back();
    ready.pop_back();
    ++done;
    for (const std::size_t w : wakes[u])
      if (--left[w] == 0) ready.push_back(w);
  }
  return done == waits.size();
}

bool legal(const GeneralGraph& graph, const Partition& partition, const NodeSet& group, bool tentative) {
  if (group.empty() || group.size() > max_group) return false;
  if (!lower(graph, group, tentative)) return false;
  Partition with;
  with.groups.push_back(group);
  for (const NodeSet& other : partition.groups) {
    const bool meets = std::ranges::any_of(other, [&](std::size_t n) { return std::ranges::binary_search(group, n); });
    if (!meets) with.groups.push_back(other);
  }
  return orderable(graph, with);
}

std::size_t library_calls(const GeneralGraph& graph, const Partition& partition) {
  std::set<std::size_t> generated;
  for (const NodeSet& group : partition.groups) generated.insert(group.begin(), group.end());
  std::size_t calls = 0;
  for (std::size_t n = 0; n < graph.nodes.size(); ++n)
    if (!generated.contains(n) && !is_trivial(graph.nodes[n])) ++calls;
  return calls;
}

Partition partition(const GeneralGraph& graph, Fusing fusing, Products products) {
  Partition made;
  std::map<std::string, std::size_t> group_of;  // node -> index + 1, 0 for none
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    const GeneralNode& node = graph.nodes[n];
    if (!lowers(graph, node)) continue;
    const ProductKind kind = products == Products::own ? ProductKind::none : product_kind(graph, n);
    if (kind == ProductKind::convolution || (kind == ProductKind::matrices && products == Products::library)) continue;
    std::set<std::size_t> operands;
    for (const TensorRef& ref : references(node))
      if (const auto it = group_of.find(ref.name); it != group_of.end()) operands.insert(it->second);
    const auto join = [&](const std::set<std::size_t>& with) {
      NodeSet all = {n};
      for (const std::size_t g : with) all = unite(all, made.groups[g]);
      if (!with.empty() && !legal(graph, made, all, fusing == Fusing::full)) return false;
      std::size_t into = with.empty() ? made.groups.size() : *with.begin();
      if (with.empty()) made.groups.emplace_back();
      for (const std::size_t g : with)
        if (g != into) made.groups[g].clear();
      for (const std::size_t member : all) group_of[graph.nodes[member].name] = into;
      made.groups[into] = std::move(all);
      return true;
    };
    if (fusing == Fusing::full && !operands.empty()) {
      if (join(operands)) continue;
      bool joined = false;
      for (auto it = operands.rbegin(); it != operands.rend() && !joined; ++it) joined = join({*it});
      if (joined) continue;
    }
    // Views alone may start a group (a later operator may take them in); a single operator must be generable.
    if (is_trivial(node) ? !references(node).empty() || node.base() == "scalar_tensor"
                         : lower(graph, {n}, fusing == Fusing::full).has_value())
      join({});
  }
  std::erase_if(made.groups, [&](const NodeSet& group) {
    if (group.empty()) return true;
    if (std::ranges::all_of(group, [&](std::size_t n) { return is_trivial(graph.nodes[n]); })) return true;
    return !lower(graph, group).has_value();
  });
  if (!orderable(graph, made)) made.groups.clear();
  return made;
}

}  // namespace kerf
