#include "synthesize/builtin/call_extents.h"

#include <fmt/format.h>

#include <set>
#include <string>
#include <vector>

#include "synthesize/builtin/algebra/identities.h"
#include "synthesize/builtin/formulas.h"
#include "synthesize/builtin/lower.h"

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

// Windows that are rounded down.
std::optional<Extent> of_pooling(const GeneralGraph& graph, const GeneralNode& node, std::size_t dim,
                                 const KnownExtent& known) {
  const TensorRef* input = tensor_at(node, 0);
  const bool maximum = node.base().starts_with("max");
  const std::size_t rank = node.base().ends_with("1d") ? 1 : node.base().ends_with("2d") ? 2 : 3;
  const std::size_t all = node.results.at(0).rank(), workloads = graph.workloads.size();
  if (!input || all < rank || true_at(node, maximum ? 5 : 4)) return std::nullopt;
  const std::optional<Extent> in = extent_of_result(graph, *input, dim, known);
  if (!in || dim < all - rank) return in;
  Lowering lowering(graph, workloads);
  const Arguments arguments(lowering, node);
  const std::size_t k = dim - (all - rank);
  const std::vector<Extent> kernel = arguments.extents(1, "kernel_size", rank);
  if (kernel.empty()) return std::nullopt;
  const std::vector<Extent> stride = arguments.extents(2, "stride", rank);
  const Extent padding = literal(2, workloads) * given(arguments, 3, "padding", rank, k, 0, workloads);
  const Extent dilation = maximum ? given(arguments, 4, "dilation", rank, k, 1, workloads) : one(workloads);
  const Extent reach = dilation * (kernel.at(k) - one(workloads));
  return divided(stride.empty() ? kernel.at(k) : stride.at(k), *in + padding - reach - one(workloads)) + one(workloads);
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

// Operators whose result has the shape of their first operand.
bool keeps_shape(const GeneralNode& node) {
  static const std::set<std::string> same = {"clone",      "contiguous",    "alias",       "detach",      "relu",
                                             "relu6",      "gelu",          "silu",        "sigmoid",     "tanh",
                                             "hardtanh",   "hardswish",     "hardsigmoid", "leaky_relu",  "elu",
                                             "mish",       "clamp",         "softmax",     "log_softmax", "dropout",
                                             "batch_norm", "instance_norm", "group_norm",  "layer_norm",  "_softmax"};
  return same.contains(node.base());
}

// The dimension of what a view or copy is made of that is its dimension `dim`.
std::optional<std::size_t> dimension_behind(const GeneralGraph& graph, const GeneralNode& node, std::size_t dim) {
  if (keeps_shape(node)) return dim;
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
  static const std::set<std::string> poolings = {"max_pool1d", "max_pool2d", "max_pool3d",
                                                 "avg_pool1d", "avg_pool2d", "avg_pool3d"};
  static const std::set<std::string> joins = {"add", "sub", "mul", "div"};
  const GeneralNode* node = graph.node(ref.name);
  const GeneralTensor* tensor = graph.tensor(ref);
  if (!node || !tensor || node->results.size() != 1) return std::nullopt;
  std::optional<Extent> found;
  try {
    if (convolutions.contains(node->base())) {
      found = of_convolution(graph, *node, dim, known);
    } else if (poolings.contains(node->base())) {
      found = of_pooling(graph, *node, dim, known);
    } else if (joins.contains(node->base())) {
      // One of the operands has the whole shape, as a rule.
      for (std::size_t a = 0; a < 2 && !found; ++a) {
        const TensorRef* from = tensor_at(*node, a);
        const GeneralTensor* of = from ? graph.tensor(*from) : nullptr;
        if (of && of->shape == tensor->shape) found = extent_of_result(graph, *from, dim, known);
      }
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
