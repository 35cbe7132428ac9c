// Lines that travel between machines: JSON objects, one a line, each with the SHA-256 of all its other fields. Whoever
// reads them takes nothing for granted: what is damaged, cut off, too large or too deep is an error, never a crash.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/result.h"

namespace kerf {

inline constexpr std::size_t max_line_bytes = std::size_t{64} << 20;

// `fields` with "sha256", and a line feed. `user` error if a text in it is not UTF-8.
[[nodiscard]] Result<std::string> sealed(nlohmann::json fields);
// The object of one line, without "sha256". `user` error if it is not as sealed() wrote it.
[[nodiscard]] Result<nlohmann::json> unsealed(std::string_view line);

}  // namespace kerf
