#include "synthesize/builtin/algebra/pooled.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "synthesize/builtin/algebra/building.h"
#include "synthesize/builtin/algebra/identities.h"
#include "synthesize/builtin/windows.h"

namespace kerf {
namespace {

using WindowSizes = std::vector<Constant>;

// A pooling of the last `rank` dimensions.
struct Pool {
  std::size_t rank = 0;
  WindowSizes kernel, stride, padding;
};

bool flag(const GeneralNode& node, std::size_t at, const char* key, bool otherwise) {
  const GeneralArgument* argument = given(node, at, key);
  const auto* c = argument ? std::get_if<Constant>(&argument->is) : nullptr;
  if (!c) return otherwise;
  return std::ranges::any_of(c->values, [](const Value& v) {
    const auto* b = std::get_if<bool>(&v.is);
    return b == nullptr || *b;
  });
}

std::optional<Pool> pool_of(const GeneralGraph& graph, const GeneralNode& node, const std::string& prefix) {
  for (const std::size_t rank : {2, 3}) {
    if (node.op != fmt::format("aten.{}_pool{}d.default", prefix, rank)) continue;
    const GeneralArgument *kernel = given(node, 1, "kernel_size"), *stride = given(node, 2, "stride"),
                          *padding = given(node, 3, "padding");
    const auto* none = stride ? std::get_if<GeneralArgumentList>(&stride->is) : nullptr;
    if (none && none->empty()) stride = nullptr;
    if (!kernel) return std::nullopt;
    const auto zero = constant(graph, Value{std::int64_t{0}});
    auto k = sizes(*kernel, rank), s = sizes(stride ? *stride : *kernel, rank),
         p = sizes(padding ? *padding : zero, rank);
    if (!k || !s || !p || node.results.size() != 1 || node.results[0].dtype != Dtype::f32) return std::nullopt;
    return Pool{.rank = rank, .kernel = std::move(*k), .stride = std::move(*s), .padding = std::move(*p)};
  }
  return std::nullopt;
}

GeneralArgument list_of(const WindowSizes& sizes) {
  GeneralArgumentList list;
  for (const Constant& each : sizes) list.push_back({each});
  return {std::move(list)};
}

bool all(const WindowSizes& sizes, std::int64_t value) {
  return std::ranges::all_of(sizes, [&](const Constant& each) { return is_all(each, value); });
}

Constant one_less(Constant size) {
  for (Value& value : size.values) value = Value{std::get<std::int64_t>(value.is) - 1};
  if (!size.text.empty()) size.text = in_brackets(size.text) + " - 1";
  return size;
}

GeneralTensor with_window(const GeneralTensor& weight, std::size_t rank, const auto& extent) {
  std::vector<std::vector<std::int64_t>> shape = weight.shape;
  for (std::size_t w = 0; w < shape.size(); ++w)
    for (std::size_t d = 0; d < rank; ++d) shape[w][2 + d] = extent(w, d, shape[w][2 + d]);
  return contiguous(std::move(shape));
}

}  // namespace

bool pooled_convolution(GeneralGraph& graph, std::size_t at) {
  const GeneralNode pool = graph.nodes[at];
  const auto windows = pool_of(graph, pool, "avg");
  if (!windows || !all(windows->padding, 0) || flag(pool, 4, "ceil_mode", false) || given(pool, 6, "divisor_override"))
    return false;
  const std::size_t rank = windows->rank;
  const TensorRef* result = tensor_at(pool, 0);
  const GeneralNode* found = result && uses(graph, result->name) == 1 ? graph.node(result->name) : nullptr;
  if (!found || !found->kwargs.empty()) return false;
  const bool general =
      found->op == "aten.convolution.default" && found->args.size() == 9 && !flag(*found, 6, "transposed", true);
  if (!general && found->op != fmt::format("aten.conv{}d.default", rank)) return false;
  const GeneralNode convolution = *found;
  const TensorRef *input = tensor_at(convolution, 0), *weight = tensor_at(convolution, 1);
  const GeneralTensor* x = input ? graph.tensor(*input) : nullptr;
  const GeneralTensor* matrix = weight ? graph.tensor(*weight) : nullptr;
  if (!x || !matrix || x->rank() != rank + 2 || matrix->dtype != Dtype::f32) return false;
  const auto number = [&](std::size_t position, std::int64_t otherwise) {
    return position < convolution.args.size() ? convolution.args[position] : constant(graph, Value{otherwise});
  };
  const auto stride = sizes(number(3, 1), rank), padding = sizes(number(4, 0), rank),
             dilation = sizes(number(5, 1), rank);
  if (!stride || !padding || !dilation || !all(*stride, 1) || !all(*dilation, 1)) return false;
  // Multiplications for one average: as it is, with averaged weights.
  double as_is = 1, averaged = 1, average = 1;
  for (std::size_t d = 0; d < rank; ++d) {
    const auto window = static_cast<double>(matrix->shape[0][2 + d]);
    const auto over = static_cast<double>(value_of(windows->kernel[d], 0));
    as_is *= window * static_cast<double>(value_of(windows->stride[d], 0));
    averaged *= window + over - 1;
    average *= over;
  }
  std::vector<GeneralNode> made;
  const bool points = std::ranges::all_of(matrix->shape, [&](const auto& shape) {
    return std::all_of(shape.begin() + 2, shape.end(), [](std::int64_t n) { return n == 1; });
  });
  if (points && all(*padding, 0)) {
    // A mixture of channels is averaged like each of them.
    if (as_is < 1.5) return false;
    GeneralNode first = pool, second = convolution;
    first.name = pool.name + "_input";
    first.args[0] = {*input};
    std::vector<std::vector<std::int64_t>> shape = pool.results[0].shape;
    for (std::size_t w = 0; w < shape.size(); ++w) shape[w][1] = x->shape[w][1];
    first.results[0] = contiguous(std::move(shape));
    second.name = pool.name;
    second.inplace.clear();
    second.args[0] = {TensorRef{first.name, 0}};
    second.results = pool.results;
    made = {std::move(first), std::move(second)};
  } else {
    // Averaging the weights costs their windows once: it needs enough results to pay.
    const double places =
        static_cast<double>(pool.results[0].numel()) / static_cast<double>(pool.results[0].shape[0][1]);
    if (averaged > 0.75 * as_is || places < 4 * average) return false;
    GeneralArgumentList around;
    WindowSizes ones;
    for (std::size_t d = rank; d-- > 0;) around.insert(around.end(), 2, {one_less(windows->kernel[d])});
    for (std::size_t d = 0; d < rank; ++d)
      ones.push_back(std::get<Constant>(constant(graph, Value{std::int64_t{1}}).is));
    const auto over = [&](std::size_t w, std::size_t d) { return value_of(windows->kernel[d], w); };
    made.push_back(make_node(pool.name + "_padded", "aten.constant_pad_nd.default", {{*weight}, {std::move(around)}},
                             with_window(*matrix, rank, [&](std::size_t w, std::size_t d, std::int64_t n) {
                               return n + 2 * (over(w, d) - 1);
                             })));
    made.push_back(make_node(
        pool.name + "_weight", pool.op, {{TensorRef{made[0].name, 0}}, list_of(windows->kernel), list_of(ones)},
        with_window(*matrix, rank, [&](std::size_t w, std::size_t d, std::int64_t n) { return n + over(w, d) - 1; })));
    GeneralNode whole = convolution;
    whole.name = pool.name;
    whole.inplace.clear();
    whole.args.resize(std::max<std::size_t>(whole.args.size(), 3), constant(graph, Value{}));
    whole.args.resize(std::max<std::size_t>(whole.args.size(), 4));
    whole.args[1] = {TensorRef{made[1].name, 0}};
    whole.args[3] = list_of(windows->stride);
    whole.results = pool.results;
    made.push_back(std::move(whole));
  }
  replace_node(graph, at, std::move(made));
  std::erase_if(graph.nodes, [&](const GeneralNode& node) { return node.name == convolution.name; });
  return true;
}

bool separate_pooling(GeneralGraph& graph, std::size_t at) {
  constexpr std::int64_t written_out = 32;  // elements of a window, see pooling.cc
  const GeneralNode pool = graph.nodes[at];
  auto windows = pool_of(graph, pool, "avg");
  const bool average = windows.has_value();
  if (!windows) windows = pool_of(graph, pool, "max");
  if (!windows || (average && given(pool, 6, "divisor_override"))) return false;
  const std::size_t last = windows->rank - 1;
  std::int64_t elements = 1, before = 1;
  for (std::size_t d = 0; d < windows->rank; ++d) elements *= value_of(windows->kernel[d], 0);
  before = elements / value_of(windows->kernel[last], 0);
  const TensorRef* input = tensor_at(pool, 0);
  const GeneralTensor* x = input ? graph.tensor(*input) : nullptr;
  // What is averaged as a whole is a reduction already.
  if (!x || elements <= written_out || before == 1 || before == elements || before > written_out) return false;
  for (std::size_t d = 0; d < windows->rank; ++d)
    if (pool.results[0].shape[0][pool.results[0].rank() - windows->rank + d] == 1) return false;
  const auto one = std::get<Constant>(constant(graph, Value{std::int64_t{1}}).is);
  const auto zero = std::get<Constant>(constant(graph, Value{std::int64_t{0}}).is);
  const auto half = [&](bool is_last) {
    GeneralNode made = pool;
    WindowSizes kernel, stride, padding, dilation;
    const GeneralArgument* apart = average ? nullptr : given(pool, 4, "dilation");
    const auto given_dilation = apart ? sizes(*apart, windows->rank) : std::nullopt;
    for (std::size_t d = 0; d < windows->rank; ++d) {
      const bool here = (d == last) == is_last;
      kernel.push_back(here ? windows->kernel[d] : one);
      stride.push_back(here ? windows->stride[d] : one);
      padding.push_back(here ? windows->padding[d] : zero);
      dilation.push_back(here && given_dilation ? (*given_dilation)[d] : one);
    }
    made.args.resize(std::max<std::size_t>(made.args.size(), apart ? 5 : 4));
    made.args[1] = list_of(kernel);
    made.args[2] = list_of(stride);
    made.args[3] = list_of(padding);
    if (apart) made.args[4] = list_of(dilation);
    std::erase_if(made.kwargs, [](const auto& each) {
      return each.first == "kernel_size" || each.first == "stride" || each.first == "padding" ||
             each.first == "dilation";
    });
    return made;
  };
  GeneralNode rows = half(false), whole = half(true);
  rows.name = pool.name + "_rows";
  rows.inplace.clear();
  std::vector<std::vector<std::int64_t>> shape = pool.results[0].shape;
  for (std::size_t w = 0; w < shape.size(); ++w) shape[w].back() = x->shape[w].back();
  rows.results[0] = contiguous(std::move(shape));
  whole.args[0] = {TensorRef{rows.name, 0}};
  replace_node(graph, at, {std::move(rows), std::move(whole)});
  return true;
}

}  // namespace kerf
