#include "synthesize/builtin/algebra/shifted_scan.h"

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "synthesize/builtin/algebra/building.h"
#include "synthesize/builtin/algebra/contraction.h"
#include "synthesize/builtin/algebra/identities.h"
#include "synthesize/builtin/algebra/positions.h"

namespace kerf {
namespace {

std::optional<std::size_t> dim_at(const GeneralNode& node, std::size_t at, std::int64_t otherwise, std::size_t rank) {
  const std::int64_t d = given(node, at, "dim") ? integer_at(node, at, "dim").value_or(rank) : otherwise;
  const std::int64_t n = d < 0 ? d + static_cast<std::int64_t>(rank) : d;
  return n >= 0 && n < static_cast<std::int64_t>(rank) ? std::optional(static_cast<std::size_t>(n)) : std::nullopt;
}

// A sum or a product that only `ref` gives to one node.
const GeneralNode* scan_of(const GeneralGraph& graph, const TensorRef& ref) {
  const GeneralNode* node = graph.node(ref.name);
  if (!node || (node->op != "aten.cumsum.default" && node->op != "aten.cumprod.default")) return nullptr;
  const TensorRef* of = tensor_at(*node, 0);
  const GeneralTensor* terms = of ? graph.tensor(*of) : nullptr;
  const bool is_plain = node->args.size() == 2 && node->kwargs.empty() && terms && terms->dtype == Dtype::f32;
  return is_plain && uses(graph, ref.name) == 1 ? node : nullptr;
}
double neutral(const GeneralNode& scan) { return scan.base() == "cumprod" ? 1 : 0; }

std::size_t rank_of(const GeneralNode& node) { return node.results[0].rank(); }

// Puts `first`, which takes what was scanned, and the scan of its result in the place of node `at`.
void scan_behind(GeneralGraph& graph, std::size_t at, GeneralNode first, GeneralNode scan) {
  scan.name = graph.nodes[at].name;
  scan.args[0] = {TensorRef{first.name, 0}};
  scan.inplace.clear();
  scan.results[0] = contiguous(graph.nodes[at].results[0].shape);
  std::vector<GeneralNode> made;
  made.push_back(std::move(first));
  made.push_back(std::move(scan));
  replace_node(graph, at, std::move(made));
}

bool part_of_a_scan(GeneralGraph& graph, std::size_t at) {
  const GeneralNode& node = graph.nodes[at];
  const bool narrow = node.op == "aten.narrow.default";
  if (node.op != "aten.slice.Tensor" && !narrow) return false;
  const TensorRef* ref = tensor_at(node, 0);
  const GeneralNode* scan = ref ? scan_of(graph, *ref) : nullptr;
  if (!scan) return false;
  const auto along = dim_at(*scan, 1, 0, rank_of(*scan)), cut = dim_at(node, 1, 0, rank_of(node));
  if (!along || !cut) return false;
  const bool is_from_start = !given(node, 2, "start") || integer_at(node, 2, "start") == 0;
  const bool in_steps = !narrow && given(node, 4, "step") && integer_at(node, 4, "step") != 1;
  if (in_steps || (*along == *cut && !is_from_start)) return false;
  GeneralNode part = node;
  part.name += "_terms";
  part.args[0] = scan->args[0];
  part.results[0].stride = graph.tensor(*tensor_at(*scan, 0))->stride;
  scan_behind(graph, at, std::move(part), *scan);
  return true;
}

// Elements that change nothing, and how many.
std::optional<std::int64_t> neutral_elements(const GeneralGraph& graph, const TensorRef& ref, double value,
                                             std::size_t dim) {
  const auto what = pattern(graph, ref);
  const auto* even = what ? std::get_if<Ramp>(&*what) : nullptr;
  if (!even || even->i != 0 || even->j != 0 || even->at != value) return std::nullopt;
  const GeneralTensor& tensor = *graph.tensor(ref);
  for (const auto& shape : tensor.shape)
    if (shape[dim] != tensor.shape[0][dim]) return std::nullopt;
  return tensor.dtype == Dtype::f32 ? std::optional(tensor.shape[0][dim]) : std::nullopt;
}

bool scan_behind_what_is_neutral(GeneralGraph& graph, std::size_t at) {
  const GeneralNode& node = graph.nodes[at];
  if (node.op != "aten.cat.default" || node.args.empty()) return false;
  const auto* parts = std::get_if<GeneralArgumentList>(&node.args[0].is);
  const auto* front = parts && parts->size() == 2 ? std::get_if<TensorRef>(&(*parts)[0].is) : nullptr;
  const auto* back = front ? std::get_if<TensorRef>(&(*parts)[1].is) : nullptr;
  const GeneralNode* scan = back ? scan_of(graph, *back) : nullptr;
  if (!scan) return false;
  const std::size_t rank = rank_of(node);
  const auto along = dim_at(*scan, 1, 0, rank), dim = dim_at(node, 1, 0, rank);
  if (!along || along != dim) return false;
  const auto count = neutral_elements(graph, *front, neutral(*scan), *dim);
  if (!count) return false;
  // From the last dimension on: how many before, how many behind.
  GeneralArgumentList widths;
  for (std::size_t d = rank; d-- > *dim;)
    for (const std::int64_t width : {d == *dim ? *count : 0, std::int64_t{0}})
      widths.push_back(constant(graph, Value{width}));
  GeneralNode terms = make_node(node.name + "_terms", "aten.constant_pad_nd.default",
                                {scan->args[0], {std::move(widths)}, constant(graph, Value{neutral(*scan)})},
                                contiguous(node.results[0].shape));
  scan_behind(graph, at, std::move(terms), *scan);
  return true;
}

}  // namespace

bool shifted_scan(GeneralGraph& graph, std::size_t at) {
  return part_of_a_scan(graph, at) || scan_behind_what_is_neutral(graph, at);
}

}  // namespace kerf
