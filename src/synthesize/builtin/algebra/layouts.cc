#include "synthesize/builtin/algebra/layouts.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <map>
#include <numeric>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "synthesize/builtin/algebra/bias.h"
#include "synthesize/builtin/algebra/building.h"
#include "synthesize/builtin/algebra/identities.h"
#include "synthesize/builtin/lower.h"
#include "synthesize/builtin/operators.h"
#include "synthesize/builtin/products.h"

namespace kerf {
namespace {

// Strides of a tensor whose second dimension runs along memory.
std::vector<std::int64_t> channels_last_strides(const std::vector<std::int64_t>& shape) {
  std::vector<std::int64_t> strides(shape.size());
  std::int64_t step = shape[1];
  strides[1] = 1;
  for (std::size_t d = shape.size(); d-- > 2;) {
    strides[d] = step;
    step *= shape[d];
  }
  strides[0] = step;
  return strides;
}

GeneralTensor channels_last(GeneralTensor tensor) {
  for (std::size_t w = 0; w < tensor.shape.size(); ++w) tensor.stride[w] = channels_last_strides(tensor.shape[w]);
  return tensor;
}

// Whether a tensor says in every workload that it is in channels_last: with one channel or one place, strides do not
// tell.
bool tells(const GeneralTensor& tensor) {
  return std::ranges::all_of(tensor.shape, [](const std::vector<std::int64_t>& shape) {
    std::int64_t places = 1;
    for (std::size_t d = 2; d < shape.size(); ++d) places *= shape[d];
    return shape[1] > 1 && places > 1;
  });
}

// Images with so many channels that a kernel of ours turns them faster than PyTorch does, and with strides that tell.
bool has_channels(const GeneralTensor& x) {
  constexpr std::int64_t most_lanes = 16;
  return x.shape[0][1] >= most_lanes && tells(x);
}

// Grouped ones are left as they are: oneDNN gains nothing on them in this layout.
bool one_group(const GeneralNode& node, const GeneralTensor& x, const GeneralTensor& weight) {
  const bool transposed = node.base().starts_with("conv_transpose");
  for (std::size_t w = 0; w < weight.shape.size(); ++w)
    if (weight.shape[w][1] != (transposed ? node.results[0].shape[w][1] : x.shape[w][1])) return false;
  return true;
}

bool can_be_last(const GeneralGraph& graph, const GeneralNode& node) {
  static const std::set<std::string> convolutions = {"conv2d", "conv3d", "conv_transpose2d", "conv_transpose3d"};
  if (!node.op.starts_with("aten.") || !convolutions.contains(node.base()) || node.results.size() != 1) return false;
  const TensorRef *input = tensor_at(node, 0), *weight = tensor_at(node, 1);
  const GeneralTensor* x = input ? graph.tensor(*input) : nullptr;
  const GeneralTensor* w = weight ? graph.tensor(*weight) : nullptr;
  const std::size_t rank = node.base().ends_with("2d") ? 4 : 5;
  for (const GeneralTensor* each : {x, w, &node.results[0]})
    if (!each || each->dtype != Dtype::f32 || each->rank() != rank || !each->contiguous()) return false;
  return (has_channels(*x) || tells(*w)) && one_group(node, *x, *w);
}

// Whether PyTorch may round a convolution's factors, as a kernel of ours then does.
bool may_be_rounded(const GeneralGraph& graph, std::size_t convolution) {
  const Result<Region> region = lower(graph, {convolution});
  const std::optional<ProductShape> shape = region ? product_shape(*region) : std::nullopt;
  return shape && region->code[static_cast<std::size_t>(shape->sum)].coarse;
}

// A linear layer with so few rows, and so large a weight, that reading the weight is what takes time.
bool has_few_rows(const GeneralGraph& graph, std::size_t at) {
  constexpr std::int64_t few = 32, large = 1 << 18;
  const GeneralNode& node = graph.nodes[at];
  if (node.op != "aten.linear.default" || !node.kwargs.empty() || node.results.size() != 1) return false;
  const TensorRef *input = tensor_at(node, 0), *weight = tensor_at(node, 1);
  const GeneralTensor* x = input ? graph.tensor(*input) : nullptr;
  const GeneralTensor* w = weight ? graph.tensor(*weight) : nullptr;
  for (const GeneralTensor* each : {x, w, &node.results[0]})
    if (!each || each->dtype != Dtype::f32 || each->rank() != 2 || !each->contiguous()) return false;
  if (x->shape[0][0] < 2 || x->shape[0][0] > few || w->numel() < large) return false;
  return !lowers(graph, node) || is_product(graph, at);
}

GeneralTensor transposed(GeneralTensor tensor) {
  for (auto& shape : tensor.shape) std::ranges::reverse(shape);
  for (auto& stride : tensor.stride) std::ranges::reverse(stride);
  return tensor;
}

// Dimension k is dimension order[k] of the tensor.
GeneralTensor permuted(const GeneralTensor& tensor, const std::vector<std::int64_t>& order) {
  GeneralTensor made = tensor;
  for (std::size_t w = 0; w < tensor.shape.size(); ++w)
    for (std::size_t k = 0; k < order.size(); ++k) {
      made.shape[w][k] = tensor.shape[w][static_cast<std::size_t>(order[k])];
      made.stride[w][k] = tensor.stride[w][static_cast<std::size_t>(order[k])];
    }
  return made;
}

GeneralNode copied(const GeneralGraph& graph, const std::string& name, const TensorRef& of, const char* format,
                   GeneralTensor result) {
  GeneralNode made = make_node(name, "aten.clone.default", {{of}}, std::move(result));
  made.kwargs.emplace_back("memory_format", constant(graph, Value{std::string(format)}));
  return made;
}

void rename_all(GeneralNode& node, const TensorRef& from, const TensorRef& to) {
  for (GeneralArgument& argument : node.args) rename(argument, from, to);
  for (auto& [key, argument] : node.kwargs) rename(argument, from, to);
}

bool is_permuted_copy(const GeneralNode& node, const TensorRef& of, const std::vector<std::int64_t>& order) {
  if (node.base() != "permute_copy" || references(node) != std::vector{of} || node.args.size() < 2) return false;
  const auto dims = sizes(node.args[1], order.size());
  if (!dims) return false;
  for (std::size_t d = 0; d < order.size(); ++d)
    if (!is_all((*dims)[d], order[d])) return false;
  return true;
}

// A graph's nodes as they are written anew, with those that lay tensors out.
class Layouts {
 public:
  explicit Layouts(const GeneralGraph& graph) : graph_(graph) {}

  void add(GeneralNode node) { nodes_.push_back(std::move(node)); }
  std::vector<GeneralNode> take() { return std::move(nodes_); }
  [[nodiscard]] std::size_t size() const { return nodes_.size(); }

  TensorRef copy(const std::string& name, const TensorRef& of, const char* format, GeneralTensor result) {
    add(copied(graph_, name, of, format, std::move(result)));
    return {name, 0};
  }
  // The same tensor with dimensions in this order: as a kernel writes it, and a view that has the old order again.
  TensorRef laid_out(TensorRef x, const std::string& name, const std::vector<std::int64_t>& order, bool rounded) {
    const GeneralTensor& from = *graph_.tensor(x);
    if (rounded) {
      add(make_node(name + "_rounded", to_tf32_operator, {{x}}, from));
      x = {name + "_rounded", 0};
    }
    permute(name + "_input", "aten.permute_copy.default", x, order, from);
    nodes_.back().results[0] = contiguous(nodes_.back().results[0].shape);
    return back(name + "_image", order);
  }
  // Images by their places. Others who need the same ones get them, too.
  TensorRef image(const TensorRef& x, const std::string& name, bool rounded) {
    const auto [found, is_new] = images_.try_emplace(std::tuple(x.name, x.index, rounded));
    if (is_new) found->second = laid_out(x, name, places(graph_.tensor(x)->rank()), rounded);
    return found->second;
  }
  // What was laid out before is read so: by a view of its own, since a kernel that shares one with a convolution would
  // wait for itself where it reads the convolution's result, too.
  void read_images(GeneralNode& node) {
    for (const TensorRef& ref : references(node)) {
      const auto image = images_.find(std::tuple(ref.name, ref.index, false));
      if (image != images_.end()) rename_all(node, ref, own_view(image->second, node.name));
    }
  }
  TensorRef own_view(const TensorRef& image, const std::string& reader) {
    const GeneralNode* found = nullptr;
    for (const GeneralNode& made : nodes_)
      if (made.name == image.name) found = &made;
    GeneralNode view = *found;
    view.name = fmt::format("{}_of{}", reader, nodes_.size());
    add(std::move(view));
    return {nodes_.back().name, 0};
  }
  // A convolution's result as kernels on a GPU read it: a contiguous tensor, which needs no strides, and can be scratch
  // where kernels read nothing else. No lowering takes the view in.
  TensorRef by_places(const std::string& name, const TensorRef& last, const GeneralTensor& result) {
    const std::vector<std::int64_t> order = places(result.rank());
    permute(name + "_places", "aten.movedim.int", last, order, channels_last(result));
    nodes_.back().args = {
        {last}, {constant(graph_, Value{std::int64_t{1}})}, {constant(graph_, Value{std::int64_t{-1}})}};
    return back(name + "_laid", order);
  }
  TensorRef view(const std::string& name, const TensorRef& of, const std::vector<std::int64_t>& order,
                 const GeneralTensor& from) {
    return permute(name, "aten.permute.default", of, order, from);
  }
  // What the last node gives, the other way round.
  TensorRef back(const std::string& name, const std::vector<std::int64_t>& order) {
    std::vector<std::int64_t> inverse(order.size());
    for (std::size_t k = 0; k < order.size(); ++k)
      inverse[static_cast<std::size_t>(order[k])] = static_cast<std::int64_t>(k);
    const GeneralTensor from = nodes_.back().results[0];
    return view(name, {nodes_.back().name, 0}, inverse, from);
  }

  // All channels of a place side by side.
  static std::vector<std::int64_t> places(std::size_t rank) {
    std::vector<std::int64_t> order = {0};
    for (std::size_t d = 2; d < rank; ++d) order.push_back(static_cast<std::int64_t>(d));
    order.push_back(1);
    return order;
  }

 private:
  TensorRef permute(const std::string& name, const char* op, const TensorRef& of,
                    const std::vector<std::int64_t>& order, const GeneralTensor& from) {
    GeneralArgumentList dims;
    for (const std::int64_t d : order) dims.push_back(constant(graph_, Value{d}));
    add(make_node(name, op, {{of}, {std::move(dims)}}, permuted(from, order)));
    return {name, 0};
  }

  const GeneralGraph& graph_;
  std::vector<GeneralNode> nodes_;
  std::map<std::tuple<std::string, int, bool>, TensorRef> images_;
};

// A result's dimensions as they lie in memory, the outermost first; nullopt where that is their own order, or none
// without gaps.
std::optional<std::vector<std::int64_t>> order_in_memory(const GeneralTensor& result) {
  if (result.dtype != Dtype::f32 || result.contiguous()) return std::nullopt;
  std::vector<std::int64_t> order(result.rank());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, std::greater{},
                           [&](std::int64_t d) { return result.stride[0][static_cast<std::size_t>(d)]; });
  return permuted(result, order).contiguous() ? std::optional(order) : std::nullopt;
}

// Whether each element of the result is made of the same elements of the operands, whatever the dimensions are called.
bool is_of_elements(const GeneralGraph& graph, std::size_t at) {
  using enum Instruction::Form;
  const GeneralNode& node = graph.nodes[at];
  if (node.results.size() != 1 || is_trivial(node) || is_copy(node)) return false;
  for (const TensorRef& ref : references(node)) {
    const GeneralTensor& operand = *graph.tensor(ref);
    if (operand.rank() > 0 && operand.shape != node.results[0].shape) return false;
  }
  GeneralGraph plain = graph;
  plain.nodes[at].results[0] = contiguous(node.results[0].shape);
  const Result<Region> region = lower(plain, {at});
  return region && std::ranges::none_of(region->code, [](const Instruction& i) {
           return i.form == index || i.form == reduce || i.form == scan || !i.access.windows.empty();
         });
}

}  // namespace

GeneralGraph in_order_of_memory(GeneralGraph graph) {
  for (std::size_t at = 0; at < graph.nodes.size(); ++at) {
    const TensorRef result{graph.nodes[at].name, 0};
    const bool is_output = std::ranges::find(graph.outputs, result) != graph.outputs.end();
    const auto order = is_output ? std::nullopt : order_in_memory(graph.nodes[at].results[0]);
    if (!order || !is_of_elements(graph, at)) continue;
    GeneralNode node = graph.nodes[at];
    Layouts made(graph);
    std::vector<TensorRef> done;
    for (const TensorRef& ref : references(graph.nodes[at])) {
      if (graph.tensor(ref)->rank() == 0 || std::ranges::find(done, ref) != done.end()) continue;
      done.push_back(ref);
      const TensorRef view = made.view(fmt::format("{}_of{}", node.name, made.size()), ref, *order, *graph.tensor(ref));
      rename_all(node, ref, view);
    }
    node.name += "_stored";
    node.inplace.clear();
    node.results[0] = permuted(node.results[0], *order);
    made.add(std::move(node));
    made.back(result.name, *order);
    std::vector<GeneralNode> nodes = made.take();
    const std::size_t more = nodes.size() - 1;
    replace_node(graph, at, std::move(nodes));
    at += more;
  }
  return graph;
}

GeneralGraph with_few_rows_turned(GeneralGraph graph) {
  for (std::size_t at = 0; at < graph.nodes.size(); ++at) {
    if (!has_few_rows(graph, at)) continue;
    add_bias_behind(graph, at);
    const GeneralNode linear = graph.nodes[at];
    const std::string& name = linear.name;
    const TensorRef x = *tensor_at(linear, 0), weight = *tensor_at(linear, 1);
    GeneralTensor columns = transposed(linear.results[0]);
    for (std::size_t w = 0; w < columns.shape.size(); ++w) columns.stride[w] = contiguous_strides(columns.shape[w]);
    std::vector<GeneralNode> made;
    made.push_back(make_node(name + "_input", "aten.t.default", {{x}}, transposed(*graph.tensor(x))));
    made.push_back(
        make_node(name + "_turned", "aten.mm.default", {{weight}, {TensorRef{name + "_input", 0}}}, columns));
    made.push_back(
        make_node(name + "_rows", "aten.t.default", {{TensorRef{name + "_turned", 0}}}, transposed(columns)));
    made.push_back(copied(graph, name, {name + "_rows", 0}, "contiguous_format", linear.results[0]));
    replace_node(graph, at, std::move(made));
  }
  return graph;
}

std::optional<GeneralGraph> in_channels_last(GeneralGraph graph, Language language) {
  // PyTorch adds a bias in this layout in a slow pass of its own.
  for (std::size_t at = 0; at < graph.nodes.size(); ++at)
    if (can_be_last(graph, graph.nodes[at])) add_bias_behind(graph, at);
  Layouts made(graph);
  for (const GeneralNode& node : graph.nodes) {
    if (!can_be_last(graph, node)) {
      GeneralNode same = node;
      if (language == Language::triton) made.read_images(same);
      made.add(std::move(same));
      continue;
    }
    GeneralNode convolution = node;
    convolution.name += "_last";
    convolution.inplace.clear();
    // One of its tensors in that layout makes PyTorch bring the other one into it.
    const TensorRef x = *tensor_at(node, 0), weight = *tensor_at(node, 1);
    const bool turns = has_channels(*graph.tensor(x));
    if (turns) {
      convolution.args[0] = {made.image(x, node.name, false)};
    } else if (language == Language::cpp) {
      convolution.args[1] = {made.copy(node.name + "_weight", weight,
                                       node.base().ends_with("2d") ? "channels_last" : "channels_last_3d",
                                       channels_last(*graph.tensor(weight)))};
    } else {  // a kernel's copy lies in order: the layout is that of a view of it
      convolution.args[1] = {
          made.laid_out(weight, node.name + "_weight", Layouts::places(graph.tensor(weight)->rank()), false)};
    }
    convolution.results[0] = channels_last(node.results[0]);
    made.add(std::move(convolution));
    TensorRef result{node.name + "_last", 0};
    if (language != Language::cpp) result = made.by_places(node.name, result, node.results[0]);
    made.copy(node.name, result, "contiguous_format", node.results[0]);
  }
  if (made.size() == graph.nodes.size()) return std::nullopt;
  graph.nodes = made.take();
  if (language == Language::triton) graph.stores_across = StoresAcross::columns;
  return graph;
}

void store_by_places(GeneralGraph& graph, const std::string& name) {
  const std::size_t at = *graph.position(name);
  const GeneralNode node = graph.nodes[at];
  const TensorRef result{name, 0}, copy{name + "_by_places_input", 0};
  const std::vector<std::int64_t> order = Layouts::places(node.results.at(0).rank());
  Layouts made(graph);
  made.add(node);
  const TensorRef view = made.laid_out(result, name + "_by_places", order, false);
  for (std::size_t n = at + 1; n < graph.nodes.size(); ++n) {
    GeneralNode user = graph.nodes[n];
    if (is_permuted_copy(user, result, order)) {  // it is this one
      for (std::size_t k = n + 1; k < graph.nodes.size(); ++k) rename_all(graph.nodes[k], {user.name, 0}, copy);
      continue;
    }
    const std::vector<TensorRef> used = references(user);
    if (std::ranges::find(used, result) != used.end()) rename_all(user, result, made.own_view(view, user.name));
    made.add(std::move(user));
  }
  graph.nodes.resize(at);
  std::ranges::move(made.take(), std::back_inserter(graph.nodes));
}

void lay_out_weight(GeneralGraph& graph, const std::string& convolution) {
  const std::size_t at = *graph.position(convolution);
  GeneralNode node = graph.nodes[at];
  const TensorRef weight = *tensor_at(node, 1);
  std::vector<std::int64_t> order;
  for (std::size_t d = 2; d < graph.tensor(weight)->rank(); ++d) order.push_back(static_cast<std::int64_t>(d));
  order.insert(order.end(), {1, 0});
  Layouts made(graph);
  node.args[1] = {made.laid_out(weight, convolution + "_weight", order, false)};
  made.add(std::move(node));
  replace_node(graph, at, made.take());
}

std::optional<GeneralGraph> with_places_inside(GeneralGraph graph) {
  Layouts made(graph);
  for (std::size_t at = 0; at < graph.nodes.size(); ++at) {
    GeneralNode node = graph.nodes[at];
    if (can_be_last(graph, node) && has_channels(*graph.tensor(*tensor_at(node, 0))) &&
        product_kind(graph, at) == ProductKind::convolution) {
      const TensorRef x = *tensor_at(node, 0), weight = *tensor_at(node, 1);
      // What is summed side by side, and what it is summed for outermost.
      std::vector<std::int64_t> order = {0};
      const bool transposed = node.base().starts_with("conv_transpose");
      order[0] = transposed ? 1 : 0;
      for (std::size_t d = 2; d < graph.tensor(weight)->rank(); ++d) order.push_back(static_cast<std::int64_t>(d));
      order.push_back(transposed ? 0 : 1);
      // Rounded once, where they are copied, rather than in each of the tiles that load them.
      const bool rounded = may_be_rounded(graph, at);
      node.args[0] = {made.image(x, node.name, rounded)};
      node.args[1] = {made.laid_out(weight, node.name + "_weight", order, rounded)};
    }
    made.add(std::move(node));
  }
  if (made.size() == graph.nodes.size()) return std::nullopt;
  graph.nodes = made.take();
  return graph;
}

}  // namespace kerf
