#include "synthesize/builtin/lower.h"

#include <fmt/format.h>
#include <algorithm>
#include <set>
#include <string_view>
#include <unordered_set>

#include "synthesize/builtin/lowering.h"
#include "synthesize/builtin/operators.h"
#include "synthesize/builtin/products.h"

namespace kerf {

bool true_at(const GeneralNode& node, std::size_t argument) {
  if (argument >= node.args.size()) return false;
  const auto* constant = std::get_if<Constant>(&node.args[argument].is);
  const auto* value = constant ? std::get_if<bool>(&constant->values[0].is) : nullptr;
  return value && *value;
}

bool is_trivial(const GeneralNode& node) {
  static const std::set<std::string> trivial = {"view",
                                                "reshape",
                                                "_unsafe_view",
                                                "flatten",
                                                "unflatten",
                                                "unsqueeze",
                                                "squeeze",
                                                "permute",
                                                "transpose",
                                                "t",
                                                "numpy_T",
                                                "expand",
                                                "expand_as",
                                                "view_as",
                                                "alias",
                                                "detach",
                                                "clone",
                                                "contiguous",
                                                "lift_fresh_copy",
                                                "lift_fresh",
                                                "dropout",
                                                "broadcast_tensors",
                                                "scalar_tensor",
                                                "full",
                                                "zeros",
                                                "ones",
                                                "full_like",
                                                "zeros_like",
                                                "ones_like",
                                                "new_zeros",
                                                "new_ones",
                                                "new_full",
                                                "fill",
                                                "_to_copy",
                                                "to",
                                                "mT",
                                                "swapaxes",
                                                "broadcast_to",
                                                "select",
                                                "slice",
                                                "narrow",
                                                "diagonal",
                                                "split",
                                                "split_with_sizes",
                                                "chunk",
                                                "unbind",
                                                "arange"};
  // A copy that says how it lies in memory is made for that.
  const bool lays_out =
      std::ranges::any_of(node.kwargs, [](const auto& each) { return each.first == "memory_format"; });
  return trivial.contains(node.base()) && !lays_out;
}

bool is_copy(const GeneralNode& node) {
  static const std::set<std::string> copies = {"cat",
                                               "stack",
                                               "flip",
                                               "roll",
                                               "pad",
                                               "constant_pad_nd",
                                               "repeat",
                                               "repeat_interleave",
                                               "embedding",
                                               "index_select",
                                               "index",
                                               "pixel_shuffle",
                                               "pixel_unshuffle",
                                               "channel_shuffle",
                                               "upsample_nearest1d",
                                               "upsample_nearest2d",
                                               "upsample_nearest3d",
                                               "_upsample_nearest_exact1d",
                                               "_upsample_nearest_exact2d",
                                               "_upsample_nearest_exact3d"};
  return copies.contains(node.base());
}

bool lowers(const GeneralGraph& graph, const GeneralNode& node) {
  if (!has_lowering(node)) return false;
  try {
    Lowering lowering(graph, graph.workloads.size());
    lower_node(lowering, node);
    return true;
  } catch (const CannotLower&) {
    return false;
  }
}

ProductKind product_kind(const GeneralGraph& graph, std::size_t node) {
  if (!has_lowering(graph.nodes[node])) return ProductKind::none;
  if (graph.nodes[node].base() == "scaled_dot_product_attention") return ProductKind::matrices;
  const Result<Region> region = lower(graph, {node});
  if (!region || !product_shape(*region)) return ProductKind::none;
  return graph.nodes[node].base().starts_with("conv") ? ProductKind::convolution : ProductKind::matrices;
}

std::vector<TensorRef> escaping(const GeneralGraph& graph, const std::vector<std::size_t>& nodes) {
  std::vector<TensorRef> found;
  if (nodes.empty()) return found;
  std::unordered_set<std::string_view> inside;
  for (const std::size_t n : nodes) inside.insert(graph.nodes[n].name);
  const auto add = [&](const TensorRef& ref) {
    if (inside.contains(ref.name) && std::ranges::find(found, ref) == found.end()) found.push_back(ref);
  };
  std::vector<TensorRef> used;  // of one node after the other: this is asked for every group that is thought of
  for (std::size_t n = std::ranges::min(nodes) + 1; n < graph.nodes.size(); ++n) {
    const GeneralNode& node = graph.nodes[n];
    if (inside.contains(node.name)) continue;
    used.clear();
    for (const GeneralArgument& argument : node.args) collect_references(argument, used);
    for (const auto& [key, argument] : node.kwargs) collect_references(argument, used);
    for (const TensorRef& ref : used) add(ref);
  }
  for (const TensorRef& ref : graph.outputs) add(ref);
  return found;
}

std::vector<std::size_t> unstorable(const GeneralGraph& graph, const std::vector<std::size_t>& nodes) {
  std::set<std::size_t> found;
  for (const TensorRef& ref : escaping(graph, nodes)) try {
      Lowering lowering(graph, graph.workloads.size());
      for (const std::size_t n : nodes) lower_node(lowering, graph.nodes[n]);
      (void)lowering.finish({ref});
    } catch (const CannotLower&) {
      found.insert(*graph.position(ref.name));
    }
  return {found.begin(), found.end()};
}

namespace {

// Whether the axes are those of results that have nothing to do with each other, so that each would be stored once for
// every element of the others.
bool is_cross_product(const Region& region) {
  std::uint64_t kept = 0;
  for (std::size_t a = 0; a < region.axes.size(); ++a)
    if (!region.is_reduced(static_cast<int>(a))) kept |= std::uint64_t{1} << a;
  return !region.stores.empty() && std::ranges::none_of(region.stores, [&](const RegionStore& store) {
    std::uint64_t covered = 0;
    for (const Subscript& s : store.access.subscripts) covered |= std::uint64_t{1} << s.axis;
    return (covered & kept) == kept;
  });
}

}  // namespace

Result<Region> lower(const GeneralGraph& graph, const std::vector<std::size_t>& nodes, bool tentative) {
  try {
    Lowering lowering(graph, graph.workloads.size());
    for (const std::size_t n : nodes) lower_node(lowering, graph.nodes[n]);
    Region region = lowering.finish(escaping(graph, nodes), tentative);
    if (const std::string why = ill_shaped_product(region); !why.empty()) throw CannotLower{why};
    if (!tentative && is_cross_product(region)) throw CannotLower{"results that share no loop"};
    region.name = graph.nodes[nodes.back()].name;
    return in_order_of_left(std::move(region));
  } catch (const CannotLower& e) {
    return fail(ErrorKind::candidate, e.why);
  }
}

}  // namespace kerf
