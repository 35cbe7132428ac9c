#include "candidate/identifiers.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>

namespace kerf {
namespace {

constexpr std::array<std::string_view, 9> functions = {"min",   "max", "abs", "cdiv", "next_pow2",
                                                       "numel", "i32", "f32", "f64"};
constexpr std::array<std::string_view, 15> words = {"and",   "or",   "not",    "if",      "else",
                                                    "none",  "true", "false",  "None",    "True",
                                                    "False", "init", "thread", "threads", "where"};

// Levenshtein distance.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t changed = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({changed, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

}  // namespace

bool is_name_part(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool is_identifier(std::string_view text) {
  return !text.empty() && !(text.front() >= '0' && text.front() <= '9') && std::ranges::all_of(text, is_name_part);
}

bool is_output_name(std::string_view text) {
  return text.starts_with("out") && std::ranges::all_of(text.substr(3), [](char c) { return c >= '0' && c <= '9'; });
}

bool is_function(std::string_view text) { return std::ranges::find(functions, text) != functions.end(); }

std::string why_no_name(std::string_view text) {
  if (!is_identifier(text) || text == "_") return fmt::format("`{}` is no name: expected letters, digits and _", text);
  if (is_function(text) || std::ranges::find(words, text) != words.end()) {
    return fmt::format("`{}` is a word of the plan's own language: expected another name", text);
  }
  return {};
}

std::string_view nearest(std::string_view text, const std::vector<std::string_view>& known) {
  std::string_view best;
  std::size_t least = std::min<std::size_t>(3, text.size());
  for (const std::string_view each : known) {
    if (each.size() > text.size() + 2 || text.size() > each.size() + 2) continue;
    if (const std::size_t edits = distance(text, each); edits < least) {
      least = edits;
      best = each;
    }
  }
  return best;
}

}  // namespace kerf
