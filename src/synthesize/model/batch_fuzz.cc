// Any bytes as a file of answers of a batch, and as what a server says of one: read without harm, and never led
// elsewhere.
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string_view>

#include "problem/json_fields.h"
#include "synthesize/model/batch_dialect.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kerf;
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    const nlohmann::json line = read_json(rest.substr(0, end));
    rest.remove_prefix(end == rest.npos ? rest.size() : end + 1);
    for (const auto& batch : {make_anthropic_batch_dialect(), make_openai_batch_dialect()}) {
      if (const auto answer = batch->answer(line)) {
        if (answer->reader && *answer->reader == nullptr) __builtin_trap();
        if (!answer->reader && answer->reader.error().error.message.empty()) __builtin_trap();
      }
      if (!line.is_object()) continue;  // who asks for a state looks first
      const BatchState state = batch->state(line);
      for (const std::string& path : state.results) {
        if (!path.starts_with('/') || path.starts_with("//")) __builtin_trap();
      }
      if (state.failed && state.failed->message.empty()) __builtin_trap();
    }
  }
  return 0;
}
