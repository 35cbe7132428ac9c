// The ATen graph of a traced model, as data. Two are kept: as exported (what the identity plan calls) and decomposed to
// core ATen (what the built-in synthesizer fuses).
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "problem/tensor.h"
#include "problem/value.h"

namespace kerf {

// A tensor: a plan name of the workload (an input, a parameter), or result `index` of an earlier node.
struct TensorRef {
  std::string name;
  int index = 0;
  friend bool operator==(const TensorRef&, const TensorRef&) = default;
};

// A list of plain values (sizes, strides) is a Value; a list that holds tensors is an ArgumentList. A memory format is
// the string "contiguous_format", "preserve_format", "channels_last" or "channels_last_3d". Device, layout and
// pin_memory are left out: everything is strided and in main memory.
struct Argument;
using ArgumentList = std::vector<Argument>;

struct Argument {
  std::variant<Value, TensorRef, Dtype, ArgumentList> is;
  friend bool operator==(const Argument&, const Argument&) = default;
};

struct GraphNode {
  std::string name;  // unique, an identifier; never equal to a tensor of the workload
  std::string op;    // "aten.linear.default"
  std::vector<Argument> args;
  std::vector<std::pair<std::string, Argument>> kwargs;
  std::vector<TensorSpec> results;  // one, or several for operators that return a tuple or list
  bool mutates_buffer = false;      // e.g. num_batches_tracked.add_(1): no part of the answer
};

struct Graph {
  std::vector<GraphNode> nodes;    // in order of execution
  std::vector<TensorRef> outputs;  // flattened
};

[[nodiscard]] nlohmann::json to_json(const Graph& graph);
[[nodiscard]] Result<Graph> graph_from_json(const nlohmann::json& json);

}  // namespace kerf
