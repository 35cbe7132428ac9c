// What the oracle is told and what it answers, as JSON (docs/problems.md).
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "evaluate/oracle.h"

namespace kerf {

using NamedSpecs = std::vector<std::pair<std::string, TensorSpec>>;

[[nodiscard]] nlohmann::json problem_json(const Problem& problem, const Sizes& sizes);
[[nodiscard]] nlohmann::json placed_json(const std::vector<Placed>& tensors);
// Tensors whose place the oracle chooses.
[[nodiscard]] nlohmann::json named_json(const NamedSpecs& tensors);

// What the oracle answers about memory that it allocated on a device; `release` is called by the last holder. Errors:
// internal, it is no such answer.
[[nodiscard]] Result<Arena> device_arena(const nlohmann::json& reply, const NamedSpecs& tensors,
                                         std::function<void(const DeviceMemory&)> release);
// Errors: internal, it is no judgement.
[[nodiscard]] Result<OutputJudgement> judgement_from_json(const nlohmann::json& json);
// What it answers of outputs that lie on a device: the margin that was written to, and where two of them differ, if
// any.
[[nodiscard]] Result<std::optional<MarginHit>> margin_hit_from_json(const nlohmann::json& reply);
[[nodiscard]] Result<std::optional<Difference>> difference_from_json(const nlohmann::json& reply);

}  // namespace kerf
