// Values and texts as Python spells them.
#pragma once

#include <string>
#include <string_view>

#include "problem/value.h"

namespace kerf {

[[nodiscard]] std::string python_literal(const Value& value);
[[nodiscard]] std::string python_string(std::string_view text);  // in one line
// A string literal that stays readable: several lines, raw where nothing in it needs an escape.
[[nodiscard]] std::string python_block(std::string_view text);

}  // namespace kerf
