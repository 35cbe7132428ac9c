// What must be computed, and at which sizes.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "problem/graph.h"
#include "problem/tensor.h"
#include "problem/value.h"

namespace kerf {

// Module-level names and what their assignments are replaced by: what `--set NAME=VALUE` and a sizes file say.
using Sizes = std::map<std::string, Value>;

enum class Mode : std::uint8_t { as_written, eval };  // KernelBench never calls eval(): as_written is training mode

// A KernelBench file, unchanged, and what was asked of it.
struct Problem {
  std::string id;      // "kernelbench/1/19" from a suite, else the file's stem
  std::string name;    // for people
  std::string source;  // the file's text
  std::string path;    // where it came from, for messages
  Sizes sizes;
  Mode mode = Mode::as_written;
  bool allow_degenerate = false;             // admit it even where nothing can tell a right answer from a trivial one
  [[nodiscard]] std::string digest() const;  // of source, sizes and mode
};

enum class Role : std::uint8_t { input, parameter, buffer, constant };
[[nodiscard]] const char* to_string(Role role);  // "input", …

// A tensor that a plan can name.
struct NamedTensor {
  std::string name;  // as plans spell it: "x", "conv.weight"
  Role role = Role::input;
  TensorSpec spec;
  std::string drawn;  // how get_inputs draws it: "rand", "randn", "randint(0, 1000)", "randn * 2 + …" as "derived"
};

// A problem at concrete shapes, as the oracle traced it.
struct Workload {
  std::string id;                                   // digest of the problem at these sizes
  Sizes sizes;                                      // overrides that are in force
  std::vector<NamedTensor> tensors;                 // inputs first, in the order of forward's parameters
  std::vector<std::pair<std::string, Value>> init;  // arguments of __init__, without "init."
  std::vector<TensorSpec> outputs;                  // flattened; named "out", or "out0", "out1", …
  Graph exported;                                   // before decomposition
  Graph core;                                       // core ATen
  std::int64_t bytes = 0;                           // that must move at least once: inputs, parameters used, outputs
  double operations = 0;  // floating-point operations of matmul-like operators plus one per pointwise element
  double eager_us = 0;    // one warm eager run while admitting: scale only, never a baseline
  // On a GPU without TF32, which PyTorch lets convolutions have: whatever computes it, baselines too
  // (docs/problems.md).
  bool exact_convolutions = false;
  [[nodiscard]] std::string output_name(std::size_t i) const;
  [[nodiscard]] const NamedTensor* find(std::string_view name) const;
};

// What admission found out. A problem is sound if no trivial answer passes, at least on the extra distributions.
struct Admission {
  bool admitted = false;
  std::string refused;                            // one line, why; empty if admitted
  bool degenerate = false;                        // refused because nothing can tell a right answer from a trivial one
  std::vector<std::string> fooled_by_own_inputs;  // trivial answers that pass on the file's own inputs only
  std::vector<std::string> distributions;         // on which it is judged: "own", then those that tell
  std::vector<std::string> notes;
};

// A problem that was understood: primary workload first, then hidden variants (other sizes, other hyperparameters).
struct Understood {
  Problem problem;
  Admission admission;
  std::vector<Workload> workloads;
  std::vector<std::pair<std::string, Value>> module_sizes;  // every name that --set could change, with its value
};

[[nodiscard]] nlohmann::json to_json(const Workload& workload);
[[nodiscard]] Result<Workload> workload_from_json(const nlohmann::json& json);
[[nodiscard]] nlohmann::json to_json(const Admission& admission);
[[nodiscard]] Result<Admission> admission_from_json(const nlohmann::json& json);
// All but the problem itself, which goes by its digest.
[[nodiscard]] nlohmann::json to_json(const Understood& understood);
[[nodiscard]] Result<Understood> understood_from_json(const nlohmann::json& json, Problem problem);
[[nodiscard]] nlohmann::json to_json(const Sizes& sizes);

}  // namespace kerf
