// Any bytes in any pieces: the same events whatever the cuts, and never more than went in.
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "synthesize/model/sse.h"

namespace {

struct Seen {
  std::vector<kerf::ServerEvent> events;
  bool failed = false;
};

Seen read(std::string_view bytes, std::size_t step) {
  Seen seen;
  kerf::EventStream stream;
  const auto keep = [&](const kerf::ServerEvent& e) { seen.events.push_back(e); };
  while (!bytes.empty() && !seen.failed) {
    seen.failed = !stream.feed(bytes.substr(0, step), keep);
    bytes.remove_prefix(std::min(step, bytes.size()));
  }
  if (!seen.failed) seen.failed = !stream.finish(keep);
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Seen whole = read(bytes, bytes.size() + 1);
  const Seen cut = read(bytes, data[0] % 7U + 1U);
  if (whole.failed != cut.failed || whole.events.size() != cut.events.size()) __builtin_trap();
  std::size_t total = 0;
  for (std::size_t i = 0; i < whole.events.size(); ++i) {
    if (whole.events[i].name != cut.events[i].name || whole.events[i].data != cut.events[i].data) __builtin_trap();
    total += whole.events[i].data.size();
  }
  if (total > size) __builtin_trap();
  return 0;
}
