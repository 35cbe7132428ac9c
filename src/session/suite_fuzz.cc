#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string_view>

#include "problem/json_fields.h"
#include "session/suite.h"

// A suite.json from another machine: whatever stands in it, reading and adding up return.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto json = kerf::parse_json({reinterpret_cast<const char*>(data), size}, "input");
  if (!json) return 0;
  const auto run = kerf::suite_run_from_json(*json);
  if (!run) return 0;
  (void)kerf::summarise(*run);
  (void)kerf::difference(*run, *run);
  const kerf::SuiteRun alone[] = {*run};
  (void)kerf::merge("x", alone);
  return 0;
}
