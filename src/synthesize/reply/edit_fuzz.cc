// Any bytes as an edit of any text; and any two texts as a difference, which has to make one of the other.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "synthesize/reply/edit.h"
#include "synthesize/reply/lines.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kerf;
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  const std::size_t cut = all.find('\xff');  // parts the input in two
  const std::string_view a = all.substr(0, cut);
  const std::string_view b = cut == std::string_view::npos ? std::string_view() : all.substr(cut + 1);
  for (const auto& edits : {read_search_replace(b), read_unified_diff(b)}) {
    if (edits)
      (void)apply_edits(*edits, a);
    else if (edits.error().message.empty() || !edits.error().at)
      __builtin_trap();
  }
  std::string from(a), to(b);
  for (std::string* text : {&from, &to})
    if (!text->empty() && !text->ends_with('\n')) *text += '\n';
  const std::string diff = unified_diff(from, to, size % 4);
  if (diff.empty()) {
    if (from != to) __builtin_trap();
    return 0;
  }
  const auto edits = read_unified_diff(diff);
  if (!edits) __builtin_trap();
  const auto made = apply_edits(*edits, from);
  if (!made || *made != to) __builtin_trap();
  return 0;
}
