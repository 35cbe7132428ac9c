// Python literals, as `--set NAME=VALUE` takes them.
#pragma once

#include <string_view>

#include "base/result.h"
#include "problem/value.h"

namespace kerf {

// None, True, False, integers, floats, strings, lists and tuples (a tuple becomes a list). The error says what was
// found.
[[nodiscard]] Result<Value> parse_literal(std::string_view text);

}  // namespace kerf
