#include "synthesize/builtin/partition.h"

#include <algorithm>
#include <map>
#include <set>

#include "synthesize/builtin/attention.h"
#include "synthesize/builtin/gpu_schedule.h"
#include "synthesize/builtin/lower.h"
#include "synthesize/builtin/norms.h"
#include "synthesize/builtin/passes.h"
#include "synthesize/builtin/turned.h"

namespace kerf {
namespace {

// A region's worth is in memory traffic saved; very long ones only cost compile time and registers.
constexpr std::size_t max_group = 48;

// Whether something that costs much is computed again and again for tensors that are small beside the region, as angles
// of positions are: a kernel of its own computes it once.
bool repeats_what_costs_much(const Region& region) {
  constexpr std::int64_t large = 1 << 16, often = 4;
  if (region.axes.empty()) return false;
  const std::uint64_t axes = (std::uint64_t{1} << region.axes.size()) - 1;
  return std::ranges::any_of(region.code, [&](const Instruction& i) {
    const bool innermost = (i.axes >> (region.axes.size() - 1) & 1U) != 0;  // otherwise loops compute it once a row
    if (i.form != Instruction::Form::pointwise || cost(i.op) == 0 || !innermost) return false;
    const std::uint64_t over = (i.axes & region.reduced) != 0 ? axes : axes & ~region.reduced;
    const std::int64_t times = region.extent_of(over).values[0];
    return times >= large && region.extent_of(i.axes).values[0] * often <= times;
  });
}

// Whether the node gives numbers that follow from their positions alone.
bool makes_numbers(const GeneralNode& node) {
  static const std::set<std::string> made = {"arange", "full", "zeros", "ones"};
  return made.contains(node.base());
}

// Whether rows of the result are made of pieces of a few elements each.
bool cuts_rows(const GeneralNode& node) {
  const std::string base = node.base();
  return base.find("upsample_") != std::string::npos || base == "pixel_shuffle" || base == "pixel_unshuffle";
}

// Whether elements are repeated, which a kernel never writes out.
bool repeats(const GeneralNode& node) { return node.base() == "repeat" || node.base() == "repeat_interleave"; }

// What of a group is left to the library where some of its results cannot be stored: what repeats elements, so that the
// rest is computed of what is written out, or these results.
NodeSet not_generated(const GeneralGraph& graph, const NodeSet& group) {
  NodeSet found = unstorable(graph, group), repeating;
  std::ranges::copy_if(group, std::back_inserter(repeating), [&](std::size_t n) { return repeats(graph.nodes[n]); });
  return found.empty() || repeating.empty() ? found : repeating;
}

// Views cost nothing, and one copy alone the library makes as fast.
bool is_worth_it(const GeneralGraph& graph, const NodeSet& group) {
  std::size_t copies = 0;
  for (const std::size_t n : group) {
    if (is_copy(graph.nodes[n])) {
      ++copies;
    } else if (!is_trivial(graph.nodes[n])) {
      return true;
    }
  }
  return copies > 1;
}

// What is laid out for a product is read from memory: in one kernel with the copy it would be read as if there were
// none.
bool undoes_a_layout(const GeneralGraph& graph, const NodeSet& group) {
  std::set<std::string> laid_out;
  for (const std::size_t n : group) {
    const GeneralNode& node = graph.nodes[n];
    for (const TensorRef& ref : references(node))
      if (laid_out.contains(ref.name)) return true;
    if (node.base() == "permute_copy") laid_out.insert(node.name);
  }
  return false;
}

// Reductions pass over what they read several times, and what lies across is gathered element by element each time: a
// layout is better made by a kernel of its own, which turns blocks once.
// So is what a norm in steps scales.
bool gathers_for_a_layout(const GeneralGraph& graph, const NodeSet& group, const Region& region) {
  const auto lays_out = [&](std::size_t n) {
    const std::string base = graph.nodes[n].base();
    return base == "permute_copy" || base == scaled_operator || base == standardised_operator;
  };
  return region.reduced != 0 && std::ranges::any_of(group, lays_out) && reads_across(region);
}

// Whether windows would be gone through again in every pass over rows that no program holds, as a depthwise
// convolution's are before a norm of the batch's statistics: what they come to is better stored once.
bool repeats_windows(const GeneralGraph& graph, const NodeSet& group) {
  constexpr std::ptrdiff_t few = 4;
  constexpr std::int64_t held = 256;
  const auto has_windows = [&](std::size_t n) {
    const std::string base = graph.nodes[n].base();
    return base.starts_with("conv") || base.find("pool") != std::string::npos;
  };
  if (std::ranges::none_of(group, has_windows)) return false;
  const Result<Region> region = lower(graph, group, true);
  if (!region || region->reduced == 0 || region->extent_of(region->reduced).values[0] <= held) return false;
  const auto passes = parts(*region, true).size() + (stores_rows(*region) ? 1 : 0);
  return passes > 1 && std::ranges::count_if(region->code, [](const Instruction& i) {
                         return i.form == Instruction::Form::load && !i.access.windows.empty();
                       }) > few;
}

}  // namespace

NodeSet unite(const NodeSet& a, const NodeSet& b) {
  NodeSet made;
  std::ranges::set_union(a, b, std::back_inserter(made));
  return made;
}

std::optional<std::vector<Unit>> units_in_order(const GeneralGraph& graph, const std::vector<NodeSet>& groups) {
  std::vector<Unit> units;
  std::vector<std::size_t> unit_of(graph.nodes.size(), graph.nodes.size());
  for (std::size_t g = 0; g < groups.size(); ++g) {
    if (groups[g].empty()) continue;
    for (const std::size_t node : groups[g]) unit_of[node] = units.size();
    units.push_back({.group = g, .node = groups[g].back()});
  }
  std::map<std::string, std::size_t> position;
  for (std::size_t node = 0; node < graph.nodes.size(); ++node) {
    position[graph.nodes[node].name] = node;
    if (unit_of[node] < graph.nodes.size()) continue;
    unit_of[node] = units.size();
    units.push_back({.group = std::nullopt, .node = node});
  }
  std::vector<std::set<std::size_t>> waits(units.size()), wakes(units.size());
  for (std::size_t node = 0; node < graph.nodes.size(); ++node)
    for (const TensorRef& ref : references(graph.nodes[node]))
      if (const auto it = position.find(ref.name); it != position.end() && unit_of[it->second] != unit_of[node]) {
        waits[unit_of[node]].insert(unit_of[it->second]);
        wakes[unit_of[it->second]].insert(unit_of[node]);
      }
  std::set<std::pair<std::size_t, std::size_t>> ready;  // by node
  for (std::size_t u = 0; u < units.size(); ++u)
    if (waits[u].empty()) ready.emplace(units[u].node, u);
  std::vector<Unit> ordered;
  while (!ready.empty()) {
    const std::size_t u = ready.begin()->second;
    ready.erase(ready.begin());
    ordered.push_back(units[u]);
    for (const std::size_t w : wakes[u]) {
      waits[w].erase(u);
      if (waits[w].empty()) ready.emplace(units[w].node, w);
    }
  }
  if (ordered.size() < units.size()) return std::nullopt;
  return ordered;
}

bool orderable(const GeneralGraph& graph, const Partition& partition) {
  return units_in_order(graph, partition.groups).has_value();
}

bool legal(const GeneralGraph& graph, const Partition& partition, const NodeSet& group, bool tentative) {
  if (group.empty() || group.size() > max_group || undoes_a_layout(graph, group)) return false;
  const Result<Region> region = lower(graph, group, tentative);
  if (!region || (tentative && repeats_what_costs_much(*region))) return false;
  if (gathers_for_a_layout(graph, group, *region)) return false;
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

namespace {

// One pass over the graph, without the nodes that are left to the library.
Partition grouped(const GeneralGraph& graph, Fusing fusing, Products products, const std::set<std::size_t>& left,
                  Language language) {
  Partition made;
  std::map<std::string, std::size_t> group_of;  // node -> index + 1, 0 for none
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    const GeneralNode& node = graph.nodes[n];
    if (left.contains(n) || !lowers(graph, node)) continue;
    const ProductKind kind = products == Products::own ? ProductKind::none : product_kind(graph, n);
    if (kind == ProductKind::convolution || (kind == ProductKind::matrices && products == Products::library)) continue;
    std::set<std::size_t> operands;
    for (const TensorRef& ref : references(node))
      if (const auto it = group_of.find(ref.name); it != group_of.end()) operands.insert(it->second);
    const auto join = [&](const std::set<std::size_t>& with) {
      NodeSet all = {n};
      for (const std::size_t g : with) all = unite(all, made.groups[g]);
      if (!with.empty() && !legal(graph, made, all, fusing == Fusing::full)) return false;
      if (!with.empty() && language == Language::triton && repeats_windows(graph, all)) return false;
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
    if (is_trivial(node) ? !references(node).empty() || node.base() == "scalar_tensor" || makes_numbers(node)
                         : lower(graph, {n}, fusing == Fusing::full).has_value())
      join({});
  }
  return made;
}

bool is_attention(const GeneralGraph& graph, const NodeSet& group) {
  const Result<Region> region = lower(graph, group);
  return region && attention_shape(*region);
}

// Products that no attention takes in.
NodeSet products_alone(const GeneralGraph& graph, const Partition& partition) {
  NodeSet found;
  for (const NodeSet& group : partition.groups) {
    if (is_attention(graph, group)) continue;
    std::ranges::copy_if(group, std::back_inserter(found), [&](std::size_t n) { return is_product(graph, n); });
  }
  return found;
}

}  // namespace

bool has_attention(const GeneralGraph& graph, const Partition& partition) {
  return std::ranges::any_of(partition.groups, [&](const NodeSet& group) { return is_attention(graph, group); });
}

Partition partition(const GeneralGraph& graph, Fusing fusing, Products products, Language language) {
  constexpr int most_passes = 4;
  std::set<std::size_t> left;
  for (std::size_t n = 0; n < graph.nodes.size() && language == Language::cpp; ++n)
    if (cuts_rows(graph.nodes[n])) left.insert(n);
  Partition made;
  // Groups take in what cannot be stored, in the hope that nothing else will need it. What is needed is left to the
  // library, and the rest is grouped anew.
  for (int pass = 0; pass < most_passes; ++pass) {
    made = grouped(graph, fusing, products, left, language);
    const std::size_t before = left.size();
    if (products == Products::attention)
      for (const std::size_t n : products_alone(graph, made)) left.insert(n);
    for (const NodeSet& group : made.groups)
      if (!group.empty() && !lower(graph, group))
        for (const std::size_t n : not_generated(graph, group)) left.insert(n);
    if (left.size() == before) break;
  }
  for (NodeSet& group : made.groups)
    while (!group.empty() && !lower(graph, group)) group.pop_back();
  std::erase_if(made.groups, [&](const NodeSet& group) { return !is_worth_it(graph, group); });
  if (!orderable(graph, made)) made.groups.clear();
  return made;
}

}  // namespace kerf
