#include "synthesize/builtin/algebra/building.h"

#include <algorithm>
#include <variant>

namespace kerf {

GeneralArgument constant(const GeneralGraph& graph, const Value& value) {
  return {Constant{.values = std::vector<Value>(graph.workloads.size(), value), .text = ""}};
}

GeneralTensor contiguous(std::vector<std::vector<std::int64_t>> shape) {
  GeneralTensor made{.dtype = Dtype::f32, .shape = std::move(shape), .stride = {}};
  for (const auto& each : made.shape) made.stride.push_back(contiguous_strides(each));
  return made;
}

GeneralNode make_node(std::string name, std::string op, std::vector<GeneralArgument> args, GeneralTensor result) {
  GeneralNode made{.name = std::move(name),
                   .op = std::move(op),
                   .inplace = "",
                   .args = std::move(args),
                   .kwargs = {},
                   .results = {}};
  made.results.push_back(std::move(result));
  return made;
}

void rename(GeneralArgument& argument, const TensorRef& from, const TensorRef& to) {
  if (auto* ref = std::get_if<TensorRef>(&argument.is); ref && *ref == from) *ref = to;
  if (auto* list = std::get_if<GeneralArgumentList>(&argument.is))
    for (GeneralArgument& each : *list) rename(each, from, to);
}

void replace_node(GeneralGraph& graph, std::size_t at, std::vector<GeneralNode> by) {
  const auto place = graph.nodes.erase(graph.nodes.begin() + static_cast<std::ptrdiff_t>(at));
  graph.nodes.insert(place, std::make_move_iterator(by.begin()), std::make_move_iterator(by.end()));
}

const GeneralArgument* given(const GeneralNode& node, std::size_t at, const char* key) {
  const GeneralArgument* found = at < node.args.size() ? &node.args[at] : nullptr;
  for (const auto& [name, argument] : node.kwargs)
    if (name == key) found = &argument;
  const auto* c = found ? std::get_if<Constant>(&found->is) : nullptr;
  return c && std::holds_alternative<std::monostate>(c->values[0].is) ? nullptr : found;
}

std::optional<std::vector<Constant>> sizes(const GeneralArgument& argument, std::size_t rank) {
  std::vector<Constant> found;
  const auto add = [&](const GeneralArgument& item) {
    const auto* c = std::get_if<Constant>(&item.is);
    if (!c ||
        !std::ranges::all_of(c->values, [](const Value& v) { return std::holds_alternative<std::int64_t>(v.is); }))
      return false;
    found.push_back(*c);
    return true;
  };
  if (const auto* list = std::get_if<GeneralArgumentList>(&argument.is)) {
    if (!std::ranges::all_of(*list, add)) return std::nullopt;
  } else if (!add(argument)) {
    return std::nullopt;
  }
  if (found.size() == 1) found.resize(rank, found[0]);
  if (found.size() != rank) return std::nullopt;
  return found;
}

bool is_all(const Constant& size, std::int64_t value) {
  return std::ranges::all_of(size.values, [&](const Value& v) { return std::get<std::int64_t>(v.is) == value; });
}

std::int64_t value_of(const Constant& size, std::size_t workload) {
  return std::get<std::int64_t>(size.values[workload].is);
}

}  // namespace kerf
