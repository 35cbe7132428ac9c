// One graph for all workloads of a problem: the anti-unification of their graphs. Constants that differ between
// workloads carry every workload's value and, where one is found, the plan expression that gives them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "problem/problem.h"

namespace kerf {

// A constant of the graph. `text` is a plan expression that has the value in every workload; empty where the value is
// the same in all of them.
struct Constant {
  std::vector<Value> values;  // one a workload
  std::string text;
};

struct GeneralArgument;
using GeneralArgumentList = std::vector<GeneralArgument>;
struct GeneralArgument {
  std::variant<Constant, TensorRef, Dtype, GeneralArgumentList> is;
};

// A tensor in every workload. Extents and strides are indexed by workload, then dimension.
struct GeneralTensor {
  Dtype dtype = Dtype::f32;
  std::vector<std::vector<std::int64_t>> shape, stride;
  [[nodiscard]] std::size_t rank() const { return shape.empty() ? 0 : shape[0].size(); }
  [[nodiscard]] std::int64_t numel(std::size_t workload = 0) const;
  [[nodiscard]] bool contiguous() const;  // in every workload
};

struct GeneralNode {
  std::string name;
  std::string op;       // functional; in-place operators on intermediates were renamed ("aten.relu.default")
  std::string inplace;  // the in-place operator that may run instead, when its operand is a call's result; else empty
  std::vector<GeneralArgument> args;
  std::vector<std::pair<std::string, GeneralArgument>> kwargs;
  std::vector<GeneralTensor> results;
  [[nodiscard]] std::string base() const;  // "relu" of "aten.relu.default"
  [[nodiscard]] std::string overload() const;
};

// Which kernels go along what they read and store across memory, where what they reduce would be gathered element by
// element otherwise.
enum class StoresAcross : std::uint8_t {
  never,
  columns,  // those that reduce what is not innermost in memory
  rows,     // all
};

struct GeneralGraph {
  std::vector<GeneralNode> nodes;  // dead ones dropped
  std::vector<TensorRef> outputs;
  std::vector<std::pair<std::string, GeneralTensor>> tensors;  // of the workload, by plan name, and the outputs
  std::vector<std::size_t> workloads;                          // indices into Understood::workloads that unify; 0 first
  std::string supports;                                        // predicate that admits exactly those; may be empty
  StoresAcross stores_across = StoresAcross::never;
  bool exact_convolutions = false;                                        // as the primary workload has it
  [[nodiscard]] const GeneralTensor* tensor(const TensorRef& ref) const;  // a workload's tensor or a node's result
  [[nodiscard]] const GeneralNode* node(const std::string& name) const;
  [[nodiscard]] std::optional<std::size_t> position(const std::string& name) const;
};

// channels_last: the exported graph with its convolutions in that layout; places_inside: with what they read laid out
// for convolutions of our own (builtin/algebra/layouts.h).
enum class GraphForm : std::uint8_t { exported, core, channels_last, places_inside };
[[nodiscard]] const char* to_string(GraphForm form);

// Fails (kind candidate) where the primary's graph itself cannot be understood, never because variants differ: those
// are left out and `supports` says so.
[[nodiscard]] Result<GeneralGraph> generalise(const Understood& problem, GraphForm form);

// All tensors that an argument mentions, in order.
void collect_references(const GeneralArgument& argument, std::vector<TensorRef>& into);
[[nodiscard]] std::vector<TensorRef> references(const GeneralNode& node);
// Literals and expressions as a plan's TOML says them. Expressions are strings, so are "none" and dtypes.
[[nodiscard]] std::string toml_value(const Value& value);
[[nodiscard]] std::string toml_string(std::string_view text);
// As an operand of an expression: "2.0", "init.eps".
[[nodiscard]] std::string expression_of(const Constant& constant);

}  // namespace kerf
