#include "problem/json_fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace kerf {
namespace {

std::unexpected<Error> expected(const char* name, const char* type, const nlohmann::json& found) {
  return user_error(fmt::format("field \"{}\": expected {}, found {}", name, type, found.type_name()));
}

// Brackets that are open at a time, most of all; of what is no JSON it may be another number.
int depth_of(std::string_view text) {
  int depth = 0, most = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      if (c == '"') quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '[' || c == '{') {
      most = std::max(most, ++depth);
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return most;
}

}  // namespace

Result<nlohmann::json> parse_json(std::string_view text, std::string_view what) {
  if (depth_of(text) > deepest_json)
    return user_error(fmt::format("{} is nested deeper than {} levels", what, deepest_json));
  try {
    return nlohmann::json::parse(text);
  } catch (const nlohmann::json::exception& e) {
    std::string why = e.what();
    if (const auto at = why.find("] "); at != std::string::npos) why.erase(0, at + 2);
    return user_error(fmt::format("{} is not valid JSON: {}", what, why));
  }
}

nlohmann::json read_json(std::string_view text) {
  if (depth_of(text) > deepest_json) return nlohmann::json(nlohmann::json::value_t::discarded);
  return nlohmann::json::parse(text, nullptr, false);
}

Result<const nlohmann::json*> field(const nlohmann::json& json, const char* name) {
  if (!json.is_object())
    return user_error(fmt::format("expected an object with \"{}\", found {}", name, json.type_name()));
  const auto found = json.find(name);
  if (found == json.end()) return user_error(fmt::format("field \"{}\" is missing", name));
  return &*found;
}

Result<const nlohmann::json*> array_field(const nlohmann::json& json, const char* name) {
  const auto* found = TRY(field(json, name));
  if (!found->is_array()) return expected(name, "a list", *found);
  return found;
}

Result<std::string> text_field(const nlohmann::json& json, const char* name) {
  const auto* found = TRY(field(json, name));
  if (!found->is_string()) return expected(name, "a string", *found);
  return found->get<std::string>();
}

Result<std::int64_t> integer_field(const nlohmann::json& json, const char* name) {
  const auto* found = TRY(field(json, name));
  if (!found->is_number_integer()) return expected(name, "an integer", *found);
  return found->get<std::int64_t>();
}

Result<double> number_field(const nlohmann::json& json, const char* name) {
  const auto* found = TRY(field(json, name));
  if (!found->is_number()) return expected(name, "a number", *found);
  return found->get<double>();
}

Result<bool> bool_field(const nlohmann::json& json, const char* name) {
  const auto* found = TRY(field(json, name));
  if (!found->is_boolean()) return expected(name, "true or false", *found);
  return found->get<bool>();
}

Result<std::vector<std::int64_t>> integers_field(const nlohmann::json& json, const char* name) {
  const auto* found = TRY(array_field(json, name));
  std::vector<std::int64_t> out;
  for (const auto& each : *found) {
    if (!each.is_number_integer()) return expected(name, "a list of integers", each);
    out.push_back(each.get<std::int64_t>());
  }
  return out;
}

Result<std::vector<std::string>> texts_field(const nlohmann::json& json, const char* name) {
  const auto* found = TRY(array_field(json, name));
  std::vector<std::string> out;
  for (const auto& each : *found) {
    if (!each.is_string()) return expected(name, "a list of strings", each);
    out.push_back(each.get<std::string>());
  }
  return out;
}

}  // namespace kerf
