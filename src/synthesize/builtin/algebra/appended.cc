#include "synthesize/builtin/algebra/appended.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "synthesize/builtin/algebra/building.h"
#include "synthesize/builtin/algebra/identities.h"
#include "synthesize/builtin/lower.h"
#include "synthesize/builtin/places.h"

namespace kerf {
namespace {

constexpr std::size_t least = 3;  // that follow one another

using Order = std::vector<std::int64_t>;

// A cat of f32 tensors.
struct Joined {
  std::size_t node = 0;
  std::size_t dim = 0;
  std::vector<TensorRef> parts;  // what other cats joined before is taken apart
};

std::optional<Joined> joined_at(const GeneralGraph& graph, std::size_t at, const std::vector<Joined>& before) {
  const GeneralNode& node = graph.nodes[at];
  if (node.op != "aten.cat.default" || node.results.size() != 1 || node.results[0].dtype != Dtype::f32)
    return std::nullopt;
  const auto* list = std::get_if<GeneralArgumentList>(&node.args.at(0).is);
  const auto rank = static_cast<std::int64_t>(node.results[0].rank());
  Joined made{.node = at, .parts = {}};
  if (const GeneralArgument* dim = given(node, 1, "dim")) {
    const auto* c = std::get_if<Constant>(&dim->is);
    const auto* d = c ? std::get_if<std::int64_t>(&c->values[0].is) : nullptr;
    if (d == nullptr || !is_all(*c, *d)) return std::nullopt;
    made.dim = static_cast<std::size_t>(*d < 0 ? *d + rank : *d);
  }
  for (const GeneralArgument& each : list ? *list : GeneralArgumentList()) {
    const auto* ref = std::get_if<TensorRef>(&each.is);
    const GeneralTensor* tensor = ref ? graph.tensor(*ref) : nullptr;
    if (!tensor || tensor->dtype != Dtype::f32 || static_cast<std::int64_t>(tensor->rank()) != rank)
      return std::nullopt;
    const auto same = std::ranges::find_if(
        before, [&](const Joined& j) { return graph.nodes[j.node].name == ref->name && j.dim == made.dim; });
    if (same == before.end()) {
      made.parts.push_back(*ref);
    } else {
      made.parts.insert(made.parts.end(), same->parts.begin(), same->parts.end());
    }
  }
  return made.parts.empty() ? std::nullopt : std::optional(std::move(made));
}

// Whether kernels of ours can read it in the middle of other memory. The library copies what it is given so.
bool is_for_kernels(const GeneralGraph& graph, std::size_t reader) {
  return lowers(graph, graph.nodes[reader]) && !is_product(graph, reader);
}
bool is_read_by_kernels(const GeneralGraph& graph, const TensorRef& ref) {
  if (std::ranges::find(graph.outputs, ref) != graph.outputs.end()) return false;
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    const std::vector<TensorRef> read = references(graph.nodes[n]);
    if (std::ranges::find(read, ref) != read.end() && graph.nodes[n].base() != "cat" && !is_for_kernels(graph, n))
      return false;
  }
  return true;
}

// Cats of which each begins as the one before, in the graph's order.
std::vector<std::vector<Joined>> chains(const GeneralGraph& graph) {
  std::vector<Joined> all;
  std::vector<std::vector<Joined>> found;
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    std::optional<Joined> made = joined_at(graph, n, all);
    if (!made) continue;
    all.push_back(*made);
    const auto goes_on = std::ranges::find_if(found, [&](const std::vector<Joined>& chain) {
      const Joined& last = chain.back();
      return last.dim == made->dim && last.parts.size() < made->parts.size() &&
             std::equal(last.parts.begin(), last.parts.end(), made->parts.begin());
    });
    if (goes_on == found.end()) {
      found.push_back({*std::move(made)});
    } else {
      goes_on->push_back(*std::move(made));
    }
  }
  std::erase_if(found, [&](const std::vector<Joined>& chain) {
    return chain.size() < least ||
           std::ranges::any_of(
               chain, [&](const Joined& j) { return !is_read_by_kernels(graph, {graph.nodes[j.node].name, 0}); });
  });
  return found;
}

GeneralTensor permuted(const GeneralTensor& of, const Order& order) {
  GeneralTensor made{.dtype = of.dtype, .shape = {}, .stride = {}};
  for (std::size_t w = 0; w < of.shape.size(); ++w) {
    made.shape.emplace_back();
    made.stride.emplace_back();
    for (const std::int64_t d : order) {
      made.shape.back().push_back(of.shape[w][static_cast<std::size_t>(d)]);
      made.stride.back().push_back(of.stride[w][static_cast<std::size_t>(d)]);
    }
  }
  return made;
}

// A chain as nodes that append, and views of what they have come to.
class Appended {
 public:
  Appended(const GeneralGraph& graph, const std::vector<Joined>& chain, bool by_places)
      : graph_(graph), chain_(chain), dim_(chain.front().dim) {
    const GeneralTensor& whole = graph.nodes[chain.back().node].results[0];
    order_.resize(whole.rank());
    std::iota(order_.begin(), order_.end(), 0);
    if (by_places && whole.rank() > 2 && dim_ == 1) std::rotate(order_.begin() + 1, order_.begin() + 2, order_.end());
    for (std::size_t d = 0; d < order_.size(); ++d)
      if (order_[d] == static_cast<std::int64_t>(dim_)) at_ = d;
    room_ = contiguous(permuted(whole, order_).shape);
  }

  // Whether parts are as long as one another in all workloads: then where they begin is, too.
  [[nodiscard]] bool is_fixed() const {
    return std::ranges::all_of(chain_.back().parts, [&](const TensorRef& part) {
      const GeneralTensor& tensor = *graph_.tensor(part);
      return std::ranges::all_of(tensor.shape, [&](const auto& shape) { return shape[dim_] == length(part); });
    });
  }

  // The next part behind what there is.
  void append(const TensorRef& part, std::vector<GeneralNode>& into) {
    const std::string name = fmt::format("{}_{}", graph_.nodes[chain_.back().node].name, parts_);
    TensorRef from = part;
    if (turned()) {
      into.push_back(permute(name + "_part", part, order_, *graph_.tensor(part)));
      from = {name + "_part", 0};
    }
    GeneralArgument begin = constant(graph_, Value{begin_});
    if (parts_ > 0) std::get<Constant>(begin.is).text = fmt::format("{} + {}", begin_ - last_, last_);
    into.push_back(make_node(name, appended_operator,
                             {parts_ > 0 ? GeneralArgument{last_name_} : constant(graph_, Value{}),
                              {from},
                              constant(graph_, Value{static_cast<std::int64_t>(at_)}),
                              std::move(begin)},
                             room_));
    last_name_ = {name, 0};
    last_ = length(part);
    begin_ += last_;
    ++parts_;
  }
  // What there is, as a node of that name.
  void view(const std::string& name, const GeneralTensor& as, std::vector<GeneralNode>& into) const {
    GeneralTensor beginning = room_;
    for (auto& shape : beginning.shape) shape[at_] = begin_;
    into.push_back(make_node(turned() ? name + "_beginning" : name, "aten.slice.Tensor",
                             {{last_name_},
                              constant(graph_, Value{static_cast<std::int64_t>(at_)}),
                              constant(graph_, Value{std::int64_t{0}}),
                              constant(graph_, Value{begin_})},
                             beginning));
    if (!turned()) return;
    Order inverse(order_.size());
    for (std::size_t k = 0; k < order_.size(); ++k)
      inverse[static_cast<std::size_t>(order_[k])] = static_cast<std::int64_t>(k);
    GeneralNode back = permute(name, {name + "_beginning", 0}, inverse, beginning);
    back.results[0].shape = as.shape;
    into.push_back(std::move(back));
  }

 private:
  [[nodiscard]] bool turned() const { return !std::ranges::is_sorted(order_); }
  [[nodiscard]] std::int64_t length(const TensorRef& part) const { return graph_.tensor(part)->shape[0][dim_]; }
  [[nodiscard]] GeneralNode permute(const std::string& name, const TensorRef& of, const Order& order,
                                    const GeneralTensor& from) const {
    GeneralArgumentList dims;
    for (const std::int64_t d : order) dims.push_back(constant(graph_, Value{d}));
    return make_node(name, "aten.permute.default", {{of}, {std::move(dims)}}, permuted(from, order));
  }

  const GeneralGraph& graph_;
  const std::vector<Joined>& chain_;
  std::size_t dim_, at_ = 0;  // of the cats, and of what they make
  Order order_;
  GeneralTensor room_;
  TensorRef last_name_;
  std::int64_t begin_ = 0, last_ = 0;
  std::size_t parts_ = 0;
};

// Whether a kernel of ours has the first part, so that it can put it into its place, where all who come later read it.
bool is_made_by_a_kernel(const GeneralGraph& graph, const TensorRef& part) {
  const std::optional<std::size_t> at = graph.position(part.name);
  return at && std::ranges::find(graph.outputs, part) == graph.outputs.end() && is_for_kernels(graph, *at);
}

std::optional<GeneralGraph> with_chain(const GeneralGraph& graph, const std::vector<Joined>& chain, bool by_places) {
  Appended appended(graph, chain, by_places);
  if (!appended.is_fixed()) return std::nullopt;
  const TensorRef first = chain.front().parts.front();
  const bool own = is_made_by_a_kernel(graph, first);
  GeneralGraph made = graph;
  made.nodes.clear();
  std::map<std::string, std::size_t> joined;  // how many parts there are then
  for (const Joined& each : chain) joined.emplace(graph.nodes[each.node].name, each.parts.size());
  std::size_t parts = 0;
  const std::string again = first.name + "_appended";
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    const GeneralNode& node = graph.nodes[n];
    const auto cat = joined.find(node.name);
    if (cat == joined.end()) {
      GeneralNode copy = node;
      if (own && parts > 0 && is_for_kernels(graph, n)) {
        for (GeneralArgument& argument : copy.args) rename(argument, first, {again, 0});
        for (auto& [key, argument] : copy.kwargs) rename(argument, first, {again, 0});
      }
      made.nodes.push_back(std::move(copy));
      if (own && node.name == first.name) {
        appended.append(first, made.nodes);
        appended.view(again, *graph.tensor(first), made.nodes);
        parts = 1;
      }
      continue;
    }
    for (; parts < cat->second; ++parts) appended.append(chain.back().parts[parts], made.nodes);
    appended.view(node.name, node.results[0], made.nodes);
  }
  // All or nothing: there is no call that appends.
  for (const GeneralNode& node : made.nodes)
    if (node.op == appended_operator && !lower(made, {*made.position(node.name)})) return std::nullopt;
  drop_unused_nodes(made);
  return made;
}

}  // namespace

GeneralGraph with_parts_appended(GeneralGraph graph, bool by_places) {
  for (std::size_t left = 0;;) {
    const std::vector<std::vector<Joined>> found = chains(graph);
    if (left >= found.size()) return graph;
    if (std::optional<GeneralGraph> made = with_chain(graph, found[left], by_places)) {
      graph = *std::move(made);
    } else {
      ++left;
    }
  }
}

}  // namespace kerf
