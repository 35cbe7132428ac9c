// Errors of plans: kind candidate, a place, and the facts "verdict" and "rule" that an evaluation records.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace kerf {

[[nodiscard]] Error plan_error(std::string_view rule, std::string message, Location at);
[[nodiscard]] inline std::unexpected<Error> refuse(std::string_view rule, std::string message, Location at) {
  return std::unexpected(plan_error(rule, std::move(message), at));
}

}  // namespace kerf
