#include "problem/glob.h"

namespace kerf {
namespace {

// Whether pattern's class "[…]" at its front holds c; `length` becomes the length of the class, 0 if it is not closed.
bool class_holds(std::string_view pattern, char c, std::size_t& length) {
  std::size_t i = 1;
  const bool negated = i < pattern.size() && (pattern[i] == '!' || pattern[i] == '^');
  if (negated) ++i;
  bool held = false;
  const std::size_t first = i;
  for (; i < pattern.size() && (pattern[i] != ']' || i == first); ++i) {
    if (i + 2 < pattern.size() && pattern[i + 1] == '-' && pattern[i + 2] != ']') {
      held = held || (pattern[i] <= c && c <= pattern[i + 2]);
      i += 2;
    } else {
      held = held || pattern[i] == c;
    }
  }
  length = i < pattern.size() ? i + 1 : 0;
  return held != negated;
}

}  // namespace

// Backtracks to the last star only: linear in practice, never exponential.
bool glob_matches(std::string_view pattern, std::string_view text) {
  std::size_t p = 0, t = 0, star = std::string_view::npos, resume = 0;
  bool crosses = false;  // the last star was "**"
  while (t < text.size()) {
    std::size_t length = 1;
    bool matched = false;
    if (p < pattern.size()) {
      if (pattern[p] == '*') {
        crosses = p + 1 < pattern.size() && pattern[p + 1] == '*';
        p += crosses ? 2 : 1;
        star = p;
        resume = t;
        continue;
      }
      if (pattern[p] == '?') {
        matched = text[t] != '/';
      } else if (pattern[p] == '[') {
        matched = class_holds(pattern.substr(p), text[t], length) && text[t] != '/';
        if (length == 0) {
          length = 1;
          matched = text[t] == '[';
        }
      } else {
        matched = pattern[p] == text[t];
      }
    }
    if (matched) {
      p += length;
      ++t;
    } else if (star != std::string_view::npos && (crosses || text[resume] != '/')) {
      p = star;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace kerf
