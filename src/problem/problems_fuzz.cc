// Any text as a suite, as its sizes, as a setting, and as what a worker understood of a problem.
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string_view>

#include "problem/json_fields.h"
#include "problem/suite.h"
#include "problem/suite_text.h"
#include "problem/value.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kerf;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Problem problem{.id = "kernelbench/1/19", .name = "19_ReLU"};
  if (const auto problems = parse_suite(text, "suite.jsonl")) {
    for (const Problem& each : *problems)
      if (each.id.empty()) __builtin_trap();
  }
  (void)parse_sizes(text, "sizes.json", problem);
  if (const auto set = parse_set(text)) {
    if (set->first.empty()) __builtin_trap();
    (void)to_string(set->second);
  }
  const auto json = parse_json(text, "input");
  if (!json) return 0;
  if (const auto understood = understood_from_json(*json, problem)) {
    if (!understood_from_json(to_json(*understood), problem)) __builtin_trap();
  }
  return 0;
}
