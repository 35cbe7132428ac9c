#include "synthesize/prompt/fence.h"

#include <fmt/format.h>

#include <algorithm>

#include "synthesize/reply/lines.h"

namespace kerf {
namespace {

// Length of the UTF-8 sequence at text[i]; 0 if there is none.
std::size_t sequence(std::string_view text, std::size_t i) {
  const auto byte = [&](std::size_t k) { return static_cast<unsigned char>(text[k]); };
  const unsigned char lead = byte(i);
  const std::size_t length = lead < 0x80   ? 1
                             : lead < 0xc2 ? 0
                             : lead < 0xe0 ? 2
                             : lead < 0xf0 ? 3
                             : lead < 0xf5 ? 4
                                           : 0;
  if (length == 0 || i + length > text.size()) return 0;
  for (std::size_t k = 1; k < length; ++k)
    if ((byte(i + k) & 0xc0) != 0x80) return 0;
  // Overlong forms, surrogates, beyond U+10FFFF.
  if (length == 3 && ((lead == 0xe0 && byte(i + 1) < 0xa0) || (lead == 0xed && byte(i + 1) > 0x9f))) return 0;
  if (length == 4 && ((lead == 0xf0 && byte(i + 1) < 0x90) || (lead == 0xf4 && byte(i + 1) > 0x8f))) return 0;
  return length;
}

std::string clean(std::string_view text, bool one_line) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = sequence(text, i);
    const unsigned char c = static_cast<unsigned char>(text[i]);
    if (length == 1 && c == '\r' && i + 1 < text.size() && text[i + 1] == '\n') {
      ++i;
      continue;
    }
    if (length == 0 || (length == 1 && ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f))) {
      out += "\xef\xbf\xbd";
      ++i;
      continue;
    }
    if (one_line && (c == '\n' || c == '\t'))
      out += ' ';
    else
      out += text.substr(i, length);
    i += length;
  }
  return out;
}

std::size_t longest_run(std::string_view text, char character) {
  std::size_t longest = 0, run = 0;
  for (const char c : text) {
    run = c == character ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  return longest;
}

}  // namespace

std::string fence(std::string_view text, std::string_view info) {
  std::string body = clean(text, false);
  if (!body.ends_with('\n')) body += '\n';
  const std::string bar(std::max<std::size_t>(3, longest_run(body, '`') + 1), '`');
  return fmt::format("{}{}\n{}{}\n", bar, info, body, bar);
}

std::string quote(std::string_view text, std::size_t bytes) {
  std::string body = clean(text, true);
  if (body.size() > bytes) {
    std::size_t end = bytes;
    while (end > 0 && (static_cast<unsigned char>(body[end]) & 0xc0) == 0x80) --end;
    body.resize(end);
    body += "…";
  }
  const std::size_t run = longest_run(body, '`');
  const std::string bar(run + 1, '`');
  return run == 0 ? fmt::format("`{}`", body) : fmt::format("{} {} {}", bar, body, bar);
}

std::string numbered(std::string_view text, int from) {
  std::string out;
  for (const std::string_view line : split_lines(text)) out += fmt::format("{:4}| {}\n", from++, line);
  return out;
}

}  // namespace kerf
