// The schema, one step after another. Steps that were released are never changed; a new one is added at the end.
#pragma once

#include <span>
#include <string_view>

namespace kerf {

// Step i leads from version i to version i + 1. Portable SQL: texts, 64-bit integers, no database's own types.
[[nodiscard]] std::span<const std::string_view> migrations();

}  // namespace kerf
