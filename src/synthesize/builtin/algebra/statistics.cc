#include "synthesize/builtin/algebra/statistics.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "synthesize/builtin/algebra/building.h"
#include "synthesize/builtin/algebra/identities.h"
#include "synthesize/builtin/lower.h"
#include "synthesize/builtin/norms.h"
#include "synthesize/builtin/turned.h"

namespace kerf {
namespace {

constexpr std::int64_t pieces_a_row = 8192;  // that a program joins
constexpr std::size_t computed_again = 16;   // operators

struct Norm {
  TensorRef x, weight, bias;
  std::optional<GeneralArgument> groups;  // none: statistics of the batch
  GeneralArgument eps;
};

std::optional<Norm> norm_of(const GeneralGraph& graph, const GeneralNode& node) {
  const bool group = node.op == "aten.group_norm.default", batch = node.op == "aten.batch_norm.default";
  if ((!group && !batch) || node.results.size() != 1 || (batch && !true_at(node, 5))) return std::nullopt;
  const std::size_t weight = group ? 2 : 1, eps = group ? 4 : 7;
  const TensorRef *x = tensor_at(node, 0), *w = tensor_at(node, weight), *b = tensor_at(node, weight + 1);
  const GeneralArgument* small = given(node, eps, "eps");
  if (!x || !w || !b || !graph.tensor(*x)) return std::nullopt;
  Norm norm{
      .x = *x, .weight = *w, .bias = *b, .groups = std::nullopt, .eps = small ? *small : constant(graph, Value{1e-5})};
  if (!group) return norm;
  const auto* count = std::get_if<Constant>(&node.args.at(1).is);
  if (!count) return std::nullopt;
  norm.groups = node.args[1];
  return norm;
}

std::int64_t product(const std::vector<std::int64_t>& shape, std::size_t first, std::size_t end) {
  std::int64_t n = 1;
  for (std::size_t d = first; d < end; ++d) n *= shape[d];
  return n;
}

// Whether each element of the node's result follows from elements of its operands, which lie wherever they lie.
bool is_of_elements(const GeneralGraph& graph, std::size_t at) {
  using enum Instruction::Form;
  const GeneralNode& node = graph.nodes[at];
  if (node.results.size() != 1 || node.results[0].dtype != Dtype::f32 || is_copy(node) || is_product(graph, at))
    return false;
  if (node.base() == "permute_copy") return false;  // in memory, for others to read
  const Result<Region> region = lower(graph, {at}, true);
  return region && std::ranges::none_of(region->code, [](const Instruction& i) {
           return i.form == index || i.form == reduce || i.form == scan || !i.access.picks.empty() ||
                  !i.access.windows.empty();
         });
}

// The operators that give `ref` from one large tensor, in order, with the views of what else they read; none where it
// would take several, or too many operators.
std::vector<std::size_t> computed_from(const GeneralGraph& graph, const TensorRef& ref) {
  std::set<std::size_t> found;
  std::set<std::string> read;
  const std::function<void(const TensorRef&)> visit = [&](const TensorRef& of) {
    const bool is_large = graph.tensor(of)->numel() * 16 >= graph.tensor(ref)->numel();
    const auto at = graph.position(of.name);
    const bool goes_on = at && (is_large ? is_of_elements(graph, *at) : is_trivial(graph.nodes[*at]));
    if (!goes_on && is_large) read.insert(of.name);
    if (!goes_on || !found.insert(*at).second) return;
    for (const TensorRef& each : references(graph.nodes[*at])) visit(each);
  };
  visit(ref);
  if (read.size() != 1 || found.size() > computed_again) return {};
  return {found.begin(), found.end()};
}

class Apart {
 public:
  Apart(GeneralGraph& graph, std::size_t at, Norm norm, const LongRows& limits)
      : graph_(graph), at_(at), norm_(std::move(norm)), limits_(limits) {}

  bool run() {
    const GeneralNode node = graph_.nodes[at_];
    const GeneralTensor x = *graph_.tensor(norm_.x);
    const std::vector<std::int64_t>& shape = x.shape[0];
    if (x.rank() < 3 || x.dtype != Dtype::f32 || !x.contiguous() || x.numel() < limits_.large) return false;
    std::int64_t row = x.numel() / shape[1];
    if (norm_.groups) {
      const std::int64_t groups = value_of(std::get<Constant>(norm_.groups->is), 0);
      if (groups < 1 || shape[1] % groups != 0) return false;
      row = x.numel() / shape[0] / groups;
    }
    if (row <= limits_.held) return false;
    const std::vector<std::size_t> before = computed_from(graph_, norm_.x);
    std::size_t over = x.rank() - 2;
    const std::int64_t channels = across(before) ? (shape[1] + 127) / 128 : shape[1];
    const auto pieces = [&] { return shape[0] * product(shape, 2, x.rank() - over); };
    while (over > 1 && pieces() * channels < limits_.programs) --over;
    // A channel of the batch has all its pieces in one program.
    if (!norm_.groups && pieces() > pieces_a_row) return false;
    // A group of one piece has nothing to join.
    if (norm_.groups && over == x.rank() - 2 && value_of(std::get<Constant>(norm_.groups->is), 0) == shape[1])
      return false;

    std::vector<GeneralNode> made;
    TensorRef from = norm_.x;
    for (const std::size_t n : before) {
      GeneralNode again = graph_.nodes[n];
      again.name += "_again";
      again.inplace.clear();
      for (const std::size_t other : before)
        for (GeneralArgument& argument : again.args)
          rename(argument, {graph_.nodes[other].name, 0}, {graph_.nodes[other].name + "_again", 0});
      from = {again.name, 0};
      made.push_back(std::move(again));
    }
    std::vector<std::vector<std::int64_t>> parts, rows, each;
    for (const auto& s : x.shape) {
      parts.push_back({s[0]});
      for (std::size_t d = 2; d < s.size() - over; ++d) parts.back().push_back(s[d]);
      parts.back().push_back(s[1]);
      const std::size_t w = rows.size();
      rows.push_back(norm_.groups ? std::vector{s[0], value_of(std::get<Constant>(norm_.groups->is), w)}
                                  : std::vector{s[1]});
      each.push_back({s[0], s[1]});
    }
    const auto two = [](GeneralNode n) {
      n.results.push_back(n.results[0]);
      return n;
    };
    const std::string &name = node.name, moments = name + "_moments", joined = name + "_joined",
                      factors = name + "_factors";
    made.push_back(
        two(make_node(moments, moments_operator, {{from}, constant(graph_, Value{static_cast<std::int64_t>(over)})},
                      contiguous(parts))));
    made.push_back(two(make_node(joined, joined_moments_operator,
                                 {{TensorRef{moments, 0}},
                                  {TensorRef{moments, 1}},
                                  norm_.groups ? *norm_.groups : constant(graph_, Value{}),
                                  norm_.eps},
                                 contiguous(rows))));
    if (norm_.groups) {
      made.push_back(
          two(make_node(factors, scale_and_shift_operator,
                        {{TensorRef{joined, 0}}, {TensorRef{joined, 1}}, {norm_.weight}, {norm_.bias}, *norm_.groups},
                        contiguous(each))));
      made.push_back(make_node(name, scaled_operator, {{norm_.x}, {TensorRef{factors, 0}}, {TensorRef{factors, 1}}},
                               node.results[0]));
    } else {
      made.push_back(make_node(
          name, standardised_operator,
          {{norm_.x}, {TensorRef{joined, 0}}, {TensorRef{joined, 1}}, {norm_.weight}, {norm_.bias}}, node.results[0]));
    }
    replace_node(graph_, at_, std::move(made));
    return true;
  }

 private:
  // Whether neighbours in memory are channels of a place.
  bool across(const std::vector<std::size_t>& before) const {
    if (before.empty()) return false;
    const Result<Region> region = lower(graph_, before, true);
    return region && reads_across(*region);
  }

  GeneralGraph& graph_;
  std::size_t at_;
  Norm norm_;
  LongRows limits_;
};

}  // namespace

GeneralGraph with_statistics_apart(GeneralGraph graph, const LongRows& limits) {
  // Between convolutions a norm's kernel reads and stores by places as it is.
  if (std::ranges::count_if(graph.nodes, [](const GeneralNode& node) { return node.base().starts_with("conv"); }) > 1)
    return graph;
  for (std::size_t at = 0; at < graph.nodes.size(); ++at)
    if (auto norm = norm_of(graph, graph.nodes[at])) (void)Apart(graph, at, *std::move(norm), limits).run();
  return graph;
}

}  // namespace kerf
