// Any text as a recording: what is read can be written, and is then the same.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "session/recording.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto recording = kerf::recording_from_text({reinterpret_cast<const char*>(data), size});
  if (!recording) return 0;
  (void)recording->problem_understood();
  const auto again = kerf::recording_from_text(kerf::to_text(*recording));
  if (!again || again->exchanges.size() != recording->exchanges.size() ||
      again->script.events.size() != recording->script.events.size() ||
      again->evaluations.size() != recording->evaluations.size())
    __builtin_trap();
  return 0;
}
