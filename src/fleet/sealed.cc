#include "fleet/sealed.h"

#include <fmt/format.h>

#include "base/hash.h"
#include "problem/json_fields.h"

namespace kerf {

namespace {

using json = nlohmann::json;

constexpr int max_depth = 64;  // of evaluations: 8

}  // namespace

Result<std::string> sealed(json fields) {
  try {
    fields["sha256"] = sha256(fields.dump());
    return fields.dump() + "\n";
  } catch (const json::type_error&) {
    return user_error("it holds a text that is not UTF-8");
  }
}

Result<json> unsealed(std::string_view line) {
  if (line.size() > max_line_bytes) return user_error(fmt::format("it is longer than {} MiB", max_line_bytes >> 20));
  bool deep = false;
  // What is too deep is left out while it is read: writing it out again would take as much of the stack.
  json value = json::parse(
      line,
      [&deep](int depth, json::parse_event_t, json&) {
        deep = deep || depth > max_depth;
        return depth <= max_depth;
      },
      false);
  if (deep || !value.is_object()) return user_error("it is no JSON object as kerf writes them");
  const std::string digest = TRY(text_field(value, "sha256"));
  value.erase("sha256");
  try {
    if (sha256(value.dump()) != digest) return user_error("it is damaged: its digest is another");
  } catch (const json::type_error&) {
    return user_error("it holds a text that is not UTF-8");
  }
  return value;
}

}  // namespace kerf
