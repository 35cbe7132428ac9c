// Any text as a document of a store that another kerf, or a failing disk, has written: what is read can be stored
// again.
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string_view>

#include "store/records.h"
#include "synthesize/model/model_json.h"

namespace {

template <class Read>
void read_again(std::string_view text, Read read) {
  const auto value = kerf::stored(text, read);
  if (value && !kerf::stored(kerf::stored_text(to_json(*value)), read)) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  read_again(text, kerf::search_event_from_json);
  read_again(text, kerf::session_state_from_json);
  read_again(text, kerf::problem_from_json);
  read_again(text, kerf::usage_from_json);
  read_again(text, kerf::evaluation_from_json);
  read_again(text, kerf::model_request_from_json);
  read_again(text, kerf::model_reply_from_json);
  (void)kerf::split_id(text);
  return 0;
}
