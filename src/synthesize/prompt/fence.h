// Text that others wrote, shown to a model so that it cannot pose as kerf's own words.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace kerf {

// A fenced block whose fence is longer than any run of backticks in the text, so that the text cannot end it. Bytes
// that are no UTF-8 and control characters but tab and newline become U+FFFD; "\r\n" becomes "\n". Ends in a newline.
[[nodiscard]] std::string fence(std::string_view text, std::string_view info);
// The same for a few words within a sentence: one line, at most `bytes` of them, in backticks.
[[nodiscard]] std::string quote(std::string_view text, std::size_t bytes = 300);
// With line numbers in front ("  12| "), `from` being the number of the first line.
[[nodiscard]] std::string numbered(std::string_view text, int from = 1);

}  // namespace kerf
