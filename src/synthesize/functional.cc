#include "synthesize/functional.h"

#include <fmt/format.h>
#include <map>
#include <utility>

namespace kerf {
namespace {

bool is_inplace(const std::string& op) {
  const std::size_t dot = op.find('.', 5);
  return op.starts_with("aten.") && dot != std::string::npos && dot > 6 && op[dot - 1] == '_' && op[5] != '_';
}

std::string functional(std::string op) {
  op.erase(op.find('.', 5) - 1, 1);
  return op;
}

// Operators whose result may share memory with their first operand.
bool may_alias(const std::string& op) {
  static const std::set<std::string> views = {"view",
                                              "reshape",
                                              "permute",
                                              "transpose",
                                              "t",
                                              "numpy_T",
                                              "select",
                                              "slice",
                                              "squeeze",
                                              "unsqueeze",
                                              "expand",
                                              "flatten",
                                              "unflatten",
                                              "detach",
                                              "alias",
                                              "split",
                                              "split_with_sizes",
                                              "chunk",
                                              "unbind",
                                              "narrow",
                                              "diagonal",
                                              "as_strided",
                                              "contiguous",
                                              "_unsafe_view",
                                              "view_as",
                                              "expand_as",
                                              "movedim",
                                              "swapaxes",
                                              "detach_",
                                              "to",
                                              "broadcast_tensors",
                                              "broadcast_to",
                                              "unsafe_split",
                                              "mT",
                                              "mH",
                                              "dropout",
                                              "feature_dropout",
                                              "alpha_dropout",
                                              "type_as",
                                              "atleast_1d",
                                              "ravel",
                                              "squeeze_",
                                              "unsqueeze_",
                                              "real",
                                              "positive",
                                              "lift_fresh"};
  const std::size_t dot = op.find('.', 5);
  return views.contains(op.substr(5, dot - 5));
}

}  // namespace

Result<Graph> functionalise(Graph graph, std::set<std::string>& inplace, const std::set<std::string>& named) {
  std::map<std::string, TensorRef> renamed;  // key name#index
  std::set<std::string> shared;              // nodes whose memory another value shares
  const auto key = [](const TensorRef& ref) { return fmt::format("{}#{}", ref.name, ref.index); };
  const auto rename = [&](auto&& self, Argument& argument) -> void {
    if (auto* ref = std::get_if<TensorRef>(&argument.is))
      if (const auto it = renamed.find(key(*ref)); it != renamed.end()) *ref = it->second;
    if (auto* list = std::get_if<ArgumentList>(&argument.is))
      for (Argument& each : *list) self(self, each);
  };
  for (GraphNode& node : graph.nodes) {
    for (Argument& argument : node.args) rename(rename, argument);
    for (auto& [name, argument] : node.kwargs) rename(rename, argument);
    const TensorRef* first = node.args.empty() ? nullptr : std::get_if<TensorRef>(&node.args[0].is);
    if (node.op == "aten.detach_.default") node.op = "aten.detach.default";
    if (is_inplace(node.op) && first) {
      if (shared.contains(first->name))
        return fail(ErrorKind::candidate,
                    fmt::format("{} writes {}, which shares memory with another value", node.op, first->name));
      const TensorRef operand = *first;
      node.op = functional(node.op);
      if (!named.contains(operand.name)) inplace.insert(node.name);
      for (auto& [from, to] : renamed)
        if (to == operand) to = {node.name, 0};
      renamed[key(operand)] = {node.name, 0};
    } else if (may_alias(node.op) && first) {
      shared.insert(first->name);
      shared.insert(node.name);
    }
  }
  for (TensorRef& out : graph.outputs)
    if (const auto it = renamed.find(key(out)); it != renamed.end()) out = it->second;
  return graph;
}

}  // namespace kerf
