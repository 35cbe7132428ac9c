#include "app/expansion_meta.h"

#include <fmt/format.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "candidate/extension.h"
#include "problem/json_fields.h"

namespace kerf {

namespace {

Result<std::int64_t> count_field(const nlohmann::json& json, const char* name, std::int64_t most) {
  const std::int64_t value = TRY(integer_field(json, name));
  if (value < 0 || value > most) return user_error(fmt::format("\"{}\" is {}: kerf ask counts from 0 up", name, value));
  return value;
}

Result<ExpansionMeta> meta_of(const nlohmann::json& json) {
  ExpansionMeta meta;
  meta.session = TRY(text_field(json, "session"));
  meta.purpose.expansion =
      static_cast<std::uint64_t>(TRY(count_field(json, "expansion", std::numeric_limits<std::int64_t>::max())));
  meta.purpose.attempt = static_cast<int>(TRY(count_field(json, "attempt", std::numeric_limits<int>::max())));
  return meta;
}

}  // namespace

Result<ExpansionMeta> expansion_meta_from_text(std::string_view text, const std::string& where) {
  const nlohmann::json json = TRY(parse_json(text, where));
  if (!json.is_object()) return user_error(fmt::format("{} is no JSON as kerf ask writes it", where));
  auto meta = meta_of(json);
  if (!meta) return user_error(fmt::format("{}: {}", where, meta.error().message));
  return meta;
}

std::string to_text(const ExpansionMeta& meta, const std::string& problem, Language language,
                    const std::string& request_digest) {
  const nlohmann::json json = {
      {"schema", 1},
      {"session", meta.session},
      {"problem", problem},
      {"expansion", meta.purpose.expansion},
      {"attempt", meta.purpose.attempt},
      {"request", request_digest},
      {"answer", fmt::format("reply.md beside this file, or the candidate's source as kernel{}", extension(language))}};
  return json.dump(2) + "\n";
}

}  // namespace kerf
