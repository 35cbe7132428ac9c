// What a process says in which a candidate's kernels were launched.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "candidate/device_protocol.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  if (const auto profile = kerf::decode_profile(body)) {
    const auto again = kerf::decode_profile(kerf::encode(*profile));
    if (!again || again->launches.size() != profile->launches.size()) std::abort();
  }
  static_cast<void>(kerf::decode_probe(body));
  static_cast<void>(kerf::decode_device_facts(body));
  static_cast<void>(kerf::decode_device_request(body));
  static_cast<void>(kerf::handle_bytes(body));
  return 0;
}
