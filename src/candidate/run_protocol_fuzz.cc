// What a process says in which a candidate's machine code ran, or a compiler that worked on its text.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "candidate/nvrtc_protocol.h"
#include "candidate/run_protocol.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  if (const auto answer = kerf::decode_answer(body)) {
    const auto again = kerf::decode_answer(kerf::encode(*answer));
    if (!again || again->step_us.size() != answer->step_us.size()) std::abort();
  }
  static_cast<void>(kerf::decode_load(body));
  static_cast<void>(kerf::decode_run(body));
  static_cast<void>(kerf::decode_number("ready", body));
  static_cast<void>(kerf::decode_nvrtc_request(body));
  static_cast<void>(kerf::decode_nvrtc_answer(body));
  return 0;
}
