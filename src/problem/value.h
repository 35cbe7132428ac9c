// A plain value as Python would know it: constructor arguments, sizes, literals of a graph, results of expressions.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"

namespace kerf {

struct Value;
using ValueList = std::vector<Value>;

struct Value {
  // none, bool, int, float, string, list
  std::variant<std::monostate, bool, std::int64_t, double, std::string, ValueList> is;
  friend bool operator==(const Value&, const Value&) = default;
};

// 1 -> "1", 1.0 -> "1.0", none -> "none", strings quoted, lists in brackets: what an expression would have to say.
[[nodiscard]] std::string to_string(const Value& value);
[[nodiscard]] nlohmann::json to_json(const Value& value);
// A float stays a float (1.0 is not 1); JSON has no infinity, so those and NaN are {"float": "inf"}, "-inf", "nan".
// Other objects are an error.
[[nodiscard]] Result<Value> value_from_json(const nlohmann::json& json);

}  // namespace kerf
