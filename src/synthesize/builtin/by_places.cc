#include "synthesize/builtin/by_places.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "synthesize/builtin/algebra/identities.h"
#include "synthesize/builtin/algebra/layouts.h"
#include "synthesize/builtin/lower.h"
#include "synthesize/builtin/partition.h"
#include "synthesize/builtin/places.h"
#include "synthesize/builtin/turned.h"

namespace kerf {
namespace {

// Whether the kernel would have neighbours in memory apart when it stores, or when it reads what it stores that way.
bool lies_across(const Region& region, const RegionStore& store) {
  const int inner = static_cast<int>(region.axes.size()) - 1;
  const Subscript* along = store.access.along(inner);
  if (store.access.type != Type::f32 || along == nullptr) return false;
  return along->stride.values.at(0) > 1 || reads_across(region);
}

// Whether all readers are operators that kernels take in: what views are made of has to lie in order for them.
bool is_read_by_elements(const GeneralGraph& graph, const TensorRef& ref) {
  if (std::ranges::find(graph.outputs, ref) != graph.outputs.end()) return false;
  bool read = false;
  for (const GeneralNode& node : graph.nodes) {
    const std::vector<TensorRef> used = references(node);
    if (std::ranges::find(used, ref) == used.end()) continue;
    read = true;
    if (node.base() != "cat" && (is_trivial(node) || !lowers(graph, node))) return false;
  }
  return read;
}

std::vector<std::string> to_store(const GeneralGraph& graph, Language language) {
  std::vector<std::string> found;
  for (const NodeSet& group : partition(graph, Fusing::full, Products::library, language).groups) {
    const Result<Region> region = lower(graph, group);
    if (!region) continue;
    for (const RegionStore& store : region->stores) {
      const GeneralNode* node = graph.node(store.access.tensor.name);
      if (node == nullptr || node->results.size() != 1 || node->results[0].rank() < 4 || is_trivial(*node) ||
          node->op == appended_operator)
        continue;
      if (node->base() != "permute_copy" && lies_across(*region, store) &&
          is_read_by_elements(graph, store.access.tensor))
        found.push_back(node->name);
    }
  }
  return found;
}

// Convolutions of single channels that kernels do, of images by places.
std::vector<std::string> of_single_channels(const GeneralGraph& graph) {
  std::vector<std::string> found;
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    const GeneralNode& node = graph.nodes[n];
    if ((node.base() != "conv2d" && node.base() != "conv3d") || !lowers(graph, node) || is_product(graph, n)) continue;
    const TensorRef *image = tensor_at(node, 0), *weight = tensor_at(node, 1);
    const GeneralNode* view = image ? graph.node(image->name) : nullptr;
    const GeneralTensor* w = weight ? graph.tensor(*weight) : nullptr;
    if (view == nullptr || view->base() != "permute" || w == nullptr || w->shape[0][1] != 1 || !w->contiguous())
      continue;
    const std::vector<TensorRef> of = references(*view);
    const GeneralNode* copy = of.empty() ? nullptr : graph.node(of[0].name);
    if (copy != nullptr && copy->base() == "permute_copy") found.push_back(node.name);
  }
  return found;
}

}  // namespace

GeneralGraph with_results_by_places(GeneralGraph graph, Language language) {
  constexpr int most_rounds = 8;  // what is stored by places makes its readers ones that read so
  const auto convolutions =
      std::ranges::count_if(graph.nodes, [](const GeneralNode& node) { return node.base().starts_with("conv"); });
  for (int round = 0; convolutions > 1 && round < most_rounds; ++round) {
    const std::vector<std::string> names = to_store(graph, language);
    if (names.empty()) break;
    for (const std::string& name : names) store_by_places(graph, name);
  }
  for (const std::string& name : of_single_channels(graph)) lay_out_weight(graph, name);
  return graph;
}

}  // namespace kerf
