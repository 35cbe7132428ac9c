#include "synthesize/builtin/call_extents.h"

#include <fmt/format.h>

#include <set>
#include <string>
#include <vector>

#include "synthesize/builtin/algebra/identities.h"
#include "synthesize/builtin/formulas.h"

namespace kerf {
namespace {

Extent divided(const Extent& by, const Extent& what) {
  Extent made{.text = fmt::format("({}) // ({})", what.text, by.text), .values = what.values};
  for (std::size_t w = 0; w < made.values.size(); ++w) made.values[w] /= by.values[w];
  return made;
}

Extent given(const Arguments& arguments, std::size_t at, const char* key, std::size_t rank, std::size_t k,
             std::int64_t otherwise, std::size_t workloads) {
  const std::vector<Extent> list = arguments.extents(at, key, rank);
  return list.empty() ? literal(otherwise, workloads) : list.at(k);
}

std::optional<Extent> of_convolution(const GeneralGraph& graph, const GeneralNode& node, std::size_t dim,
                                     const KnownExtent& known) {
  const TensorRef *input = tensor_at(node, 0), *weight = tensor_at(node, 1);
  const std::size_t rank = node.results.at(0).rank() - 2, workloads = graph.workloads.size();
  if (!input || !weight || node.overload() == "padding") return std::nullopt;
  if (dim == 0) return extent_of_result(graph, *input, 0, known);
  if (dim == 1) return std::nullopt;
  const std::optional<Extent> in = extent_of_result(graph, *input, dim, known),
                              kernel = extent_of_result(graph, *weight, dim, known);
  if (!in || !kernel) return std::nullopt;
  const bool transposed = node.base().starts_with("conv_transpose");
  Lowering lowering(graph, workloads);
  const Arguments arguments(lowering, node);
  const auto number = [&](std::size_t at, const char* key, std::int64_t otherwise) {
    return given(arguments, at, key, rank, dim - 2, otherwise, workloads);
  };
  const Extent stride = number(3, "stride", 1), padding = literal(2, workloads) * number(4, "padding", 0);
  const Extent reach = number(transposed ? 7 : 5, "dilation", 1) * (*kernel - one(workloads));
  if (!transposed) return divided(stride, *in + padding - reach - one(workloads)) + one(workloads);
  return (*in - one(workloads)) * stride - padding + reach + number(5, "output_padding", 0) + one(workloads);
}

// The dimension of what a view or copy is made of that is its dimension `dim`.
std::optional<std::size_t> dimension_behind(const GeneralGraph& graph, const GeneralNode& node, std::size_t dim) {
  static const std::set<std::string> same = {"clone", "contiguous", "alias", "detach"};
  if (same.contains(node.base())) return dim;
  const std::size_t rank = node.results.at(0).rank();
  Lowering lowering(graph, graph.workloads.size());
  const Arguments arguments(lowering, node);
  const auto place = [&](const Extent& d) {
    return static_cast<std::size_t>(d.values[0] < 0 ? d.values[0] + static_cast<std::int64_t>(rank) : d.values[0]);
  };
  if (node.base() == "permute" || node.base() == "permute_copy") {
    const std::vector<Extent> order = arguments.extents(1, "dims", rank);
    return order.empty() ? std::nullopt : std::optional(place(order.at(dim)));
  }
  if (node.op != "aten.movedim.int") return std::nullopt;
  const std::vector<Extent> from = arguments.extents(1, "source", 1), to = arguments.extents(2, "destination", 1);
  if (from.empty() || to.empty()) return std::nullopt;
  std::vector<std::size_t> order;
  for (std::size_t d = 0; d < rank; ++d)
    if (d != place(from[0])) order.push_back(d);
  order.insert(order.begin() + static_cast<std::ptrdiff_t>(place(to[0])), place(from[0]));
  return order.at(dim);
}

}  // namespace

std::optional<Extent> extent_of_result(const GeneralGraph& graph, const TensorRef& ref, std::size_t dim,
                                       const KnownExtent& known) {
  if (auto found = known(ref, dim)) return found;
  static const std::set<std::string> convolutions = {"conv1d",           "conv2d",           "conv3d",
                                                     "conv_transpose1d", "conv_transpose2d", "conv_transpose3d"};
  const GeneralNode* node = graph.node(ref.name);
  const GeneralTensor* tensor = graph.tensor(ref);
  if (!node || !tensor || node->results.size() != 1) return std::nullopt;
  std::optional<Extent> found;
  try {
    if (convolutions.contains(node->base())) {
      found = of_convolution(graph, *node, dim, known);
    } else if (const auto behind = dimension_behind(graph, *node, dim)) {
      if (const TensorRef* from = tensor_at(*node, 0)) found = extent_of_result(graph, *from, *behind, known);
    }
  } catch (const CannotLower&) {
    return std::nullopt;
  }
  for (std::size_t w = 0; found && w < tensor->shape.size(); ++w)
    if (found->values.at(w) != tensor->shape[w].at(dim)) found.reset();
  return found;
}

}  // namespace kerf
