// Any bytes as a bundle and as results, as they are and with seals that are right: what is read can be written again,
// and is then the same.
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/hash.h"
#include "fleet/bundle.h"

namespace {

// Every line with the seals that a forger would give it.
std::string resealed(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    auto value = nlohmann::json::parse(
        text.substr(0, end), [](int depth, nlohmann::json::parse_event_t, nlohmann::json&) { return depth < 60; },
        false);
    if (value.is_object()) {
      value.erase("sha256");
      if (value.value("kind", nlohmann::json()) == "end") value["bundle"] = kerf::sha256(out);
      if (const auto line = kerf::sealed(std::move(value))) out += *line;
    }
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
  }
  return out;
}

void read_all(std::string_view text) {
  using namespace kerf;
  if (auto bundle = bundle_from_text(text)) {
    const auto again = to_text(*bundle);
    if (!again || bundle->items.size() > max_bundle_items) __builtin_trap();
    const auto back = bundle_from_text(*again);
    if (!back || back->items.size() != bundle->items.size()) __builtin_trap();
  }
  if (const auto results = results_from_text(text)) {
    if (results->whole > text.size()) __builtin_trap();
    std::string again = *to_line(results->head);
    for (const BundleResult& result : results->results) again += *to_line(result);
    const auto back = results_from_text(again);
    if (!back || back->results.size() != results->results.size()) __builtin_trap();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  read_all(text);
  read_all(resealed(text));
  return 0;
}
