// Python's operators on plain values: results, promotions and failures (as text, without a place).
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "problem/value.h"

namespace kerf {

enum class Operator : std::uint8_t {
  add,
  subtract,
  multiply,
  divide,
  floor_divide,
  modulo,
  power,
  less,
  less_equal,
  greater,
  greater_equal,
  equal,
  not_equal
};
[[nodiscard]] std::string_view to_string(Operator op);

using Computed = std::expected<Value, std::string>;

[[nodiscard]] Computed apply(Operator op, const Value& a, const Value& b);
[[nodiscard]] Computed negate(const Value& a);
[[nodiscard]] Computed identity(const Value& a);  // unary plus
[[nodiscard]] bool truth(const Value& value);
// "min", "max", "abs", "cdiv", "next_pow2".
[[nodiscard]] Computed call_function(std::string_view name, const std::vector<Value>& arguments);
[[nodiscard]] Computed item(const Value& list, const Value& index);
[[nodiscard]] bool is_integer(const Value& value);
[[nodiscard]] std::string_view kind_of(const Value& value);  // "an integer", "a string", …

}  // namespace kerf
