#include "problem/graph.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "problem/json_fields.h"

namespace kerf {
namespace {

constexpr int max_depth = 16;

nlohmann::json to_json(const TensorRef& ref) {
  nlohmann::json out{{"tensor", ref.name}};
  if (ref.index != 0) out["index"] = ref.index;
  return out;
}

nlohmann::json to_json(const Argument& argument) {
  struct Writer {
    nlohmann::json operator()(const Value& value) const { return kerf::to_json(value); }
    nlohmann::json operator()(const TensorRef& ref) const { return to_json(ref); }
    nlohmann::json operator()(Dtype dtype) const { return {{"dtype", to_string(dtype)}}; }
    nlohmann::json operator()(const ArgumentList& list) const {
      nlohmann::json items = nlohmann::json::array();
      for (const Argument& each : list) items.push_back(to_json(each));
      return {{"list", std::move(items)}};
    }
  };
  return std::visit(Writer{}, argument.is);
}

Result<TensorRef> ref_from_json(const nlohmann::json& json) {
  TensorRef ref{.name = TRY(text_field(json, "tensor"))};
  if (json.contains("index")) ref.index = static_cast<int>(TRY(integer_field(json, "index")));
  if (ref.index < 0) return user_error(fmt::format("reference to {} has the negative index {}", ref.name, ref.index));
  return ref;
}

Result<Argument> argument_from_json(const nlohmann::json& json, int depth) {
  if (depth > max_depth) return user_error("an argument of the graph is nested too deeply");
  if (json.is_object()) {
    if (json.contains("tensor")) return Argument{TRY(ref_from_json(json))};
    if (json.contains("dtype")) {
      const auto name = TRY(text_field(json, "dtype"));
      const auto dtype = dtype_from(name);
      if (!dtype) return user_error(fmt::format("unknown dtype \"{}\" in the graph", name));
      return Argument{*dtype};
    }
    if (json.contains("list")) {
      const auto* items = TRY(array_field(json, "list"));
      ArgumentList list;
      for (const auto& each : *items) list.push_back(TRY(argument_from_json(each, depth + 1)));
      return Argument{std::move(list)};
    }
  }
  return Argument{TRY(value_from_json(json))};
}

}  // namespace

nlohmann::json to_json(const Graph& graph) {
  nlohmann::json nodes = nlohmann::json::array();
  for (const GraphNode& node : graph.nodes) {
    nlohmann::json out{{"name", node.name}, {"op", node.op}, {"args", nlohmann::json::array()}};
    for (const Argument& argument : node.args) out["args"].push_back(to_json(argument));
    if (!node.kwargs.empty()) {
      nlohmann::json kwargs = nlohmann::json::array();
      for (const auto& [name, argument] : node.kwargs) kwargs.push_back({name, to_json(argument)});
      out["kwargs"] = std::move(kwargs);
    }
    out["results"] = nlohmann::json::array();
    for (const TensorSpec& spec : node.results) out["results"].push_back(to_json(spec));
    if (node.mutates_buffer) out["mutates_buffer"] = true;
    nodes.push_back(std::move(out));
  }
  nlohmann::json outputs = nlohmann::json::array();
  for (const TensorRef& ref : graph.outputs) outputs.push_back(to_json(ref));
  return {{"nodes", std::move(nodes)}, {"outputs", std::move(outputs)}};
}

Result<Graph> graph_from_json(const nlohmann::json& json) {
  Graph graph;
  for (const auto& each : *TRY(array_field(json, "nodes"))) {
    GraphNode node{.name = TRY(text_field(each, "name")), .op = TRY(text_field(each, "op"))};
    for (const auto& argument : *TRY(array_field(each, "args"))) {
      node.args.push_back(TRY(argument_from_json(argument, 0)));
    }
    if (each.contains("kwargs")) {
      for (const auto& pair : *TRY(array_field(each, "kwargs"))) {
        if (!pair.is_array() || pair.size() != 2 || !pair[0].is_string()) {
          return user_error(fmt::format("keyword arguments of {} are not pairs of a name and a value", node.name));
        }
        node.kwargs.emplace_back(pair[0].get<std::string>(), TRY(argument_from_json(pair[1], 0)));
      }
    }
    for (const auto& result : *TRY(array_field(each, "results"))) node.results.push_back(TRY(tensor_from_json(result)));
    if (each.contains("mutates_buffer")) node.mutates_buffer = TRY(bool_field(each, "mutates_buffer"));
    graph.nodes.push_back(std::move(node));
  }
  for (const auto& each : *TRY(array_field(json, "outputs"))) graph.outputs.push_back(TRY(ref_from_json(each)));
  return graph;
}

}  // namespace kerf
