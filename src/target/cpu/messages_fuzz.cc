// Whatever a compiler, nm or objdump prints, and whatever bytes an object has, is read without harm.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "target/cpu/inspect.h"
#include "target/cpu/messages.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto messages = kerf::read_messages(text);
  (void)kerf::first_error(messages);
  (void)kerf::read_remarks(messages);
  (void)kerf::read_listing(text);
  (void)kerf::place_of(text, "malloc");
  (void)kerf::read_object(text);
  return 0;
}
