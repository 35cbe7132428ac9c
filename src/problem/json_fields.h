// Reading JSON that others wrote, and fields of its objects, without exceptions: what is missing or of another type is
// an error that names it.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "base/result.h"

namespace kerf {

// Levels of lists and objects. Values are copied, compared and written by recursion: what is deeper would take the
// stack.
inline constexpr int deepest_json = 512;

[[nodiscard]] Result<nlohmann::json> parse_json(std::string_view text, std::string_view what);
// Discarded (is_discarded(): neither object nor list) where it is no JSON, or too deep.
[[nodiscard]] nlohmann::json read_json(std::string_view text);
[[nodiscard]] Result<const nlohmann::json*> field(const nlohmann::json& json, const char* name);
[[nodiscard]] Result<const nlohmann::json*> array_field(const nlohmann::json& json, const char* name);
[[nodiscard]] Result<std::string> text_field(const nlohmann::json& json, const char* name);
[[nodiscard]] Result<std::int64_t> integer_field(const nlohmann::json& json, const char* name);
[[nodiscard]] Result<double> number_field(const nlohmann::json& json, const char* name);
[[nodiscard]] Result<bool> bool_field(const nlohmann::json& json, const char* name);
[[nodiscard]] Result<std::vector<std::int64_t>> integers_field(const nlohmann::json& json, const char* name);
[[nodiscard]] Result<std::vector<std::string>> texts_field(const nlohmann::json& json, const char* name);

}  // namespace kerf
