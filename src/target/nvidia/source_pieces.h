// Pieces of a C++ or PTX text.
#pragma once

#include <cctype>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"

namespace kerf {

[[nodiscard]] inline bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }
[[nodiscard]] inline bool is_blank(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }

// Cuts [begin, end) at `separator` outside of parentheses, brackets and braces.
[[nodiscard]] inline std::vector<std::pair<std::size_t, std::size_t>> cut(std::string_view clean, std::size_t begin,
                                                                          std::size_t end, char separator) {
  std::vector<std::pair<std::size_t, std::size_t>> parts;
  int depth = 0;
  std::size_t start = begin;
  for (std::size_t i = begin; i < end; ++i) {
    const char c = clean[i];
    if (c == '(' || c == '[' || c == '{') ++depth;
    if (c == ')' || c == ']' || c == '}') --depth;
    if (c != separator || depth != 0) continue;
    parts.emplace_back(start, i);
    start = i + 1;
  }
  parts.emplace_back(start, end);
  return parts;
}

}  // namespace kerf
