#include "candidate/toml_text.h"

#include <algorithm>

namespace kerf {
namespace {

bool continues_code_point(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

// Walks raw TOML and keeps line and column.
class Walker {
 public:
  Walker(std::string_view toml, std::size_t at, int line, int column)
      : toml_(toml), at_(at), line_(line), column_(column) {}
  [[nodiscard]] bool done() const { return at_ >= toml_.size(); }
  [[nodiscard]] char peek(std::size_t ahead = 0) const {
    return at_ + ahead < toml_.size() ? toml_[at_ + ahead] : '\0';
  }
  [[nodiscard]] std::string_view rest() const { return toml_.substr(std::min(at_, toml_.size())); }
  [[nodiscard]] int line() const { return line_; }
  [[nodiscard]] int column() const { return column_; }
  void step(std::size_t bytes = 1) {
    for (; bytes > 0 && !done(); --bytes, ++at_) {
      if (toml_[at_] == '\n') {
        ++line_;
        column_ = 1;
      } else if (at_ + 1 >= toml_.size() || !continues_code_point(toml_[at_ + 1])) {
        ++column_;  // behind the last byte of a code point
      }
    }
  }

 private:
  std::string_view toml_;
  std::size_t at_;
  int line_, column_;
};

std::size_t hex_escape_bytes(std::string_view digits) {
  std::uint32_t code = 0;
  for (const char c : digits) {
    const auto digit = c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
    code = code * 16 + static_cast<std::uint32_t>(digit);
  }
  if (code < 0x80) return 1;
  if (code < 0x800) return 2;
  return code < 0x10000 ? 3 : 4;
}

}  // namespace

std::optional<std::size_t> stray_character(std::string_view toml) {
  std::string_view quote;  // that opened the string at hand; empty outside
  bool comment = false;
  for (std::size_t i = 0; i < toml.size(); ++i) {
    const char c = toml[i];
    if (c == '\n') {
      comment = false;
      if (quote.size() == 1) quote = {};  // not closed on its line: the parser's to report
    } else if (comment) {
      continue;
    } else if (quote.empty()) {
      if (c == '#') comment = true;
      if (static_cast<unsigned char>(c) >= 0x80) return i;
      if (c != '"' && c != '\'') continue;
      const std::string_view three = toml.substr(i, 3);
      quote = three == "\"\"\"" || three == "'''" ? three : toml.substr(i, 1);
      i += quote.size() - 1;
    } else if (c == '\\' && quote.front() == '"') {
      ++i;
    } else if (toml.substr(i).starts_with(quote)) {
      i += quote.size() - 1;
      quote = {};
    }
  }
  return std::nullopt;
}

int code_points(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, std::min(offset, text.size()));
  return static_cast<int>(std::ranges::count_if(before, [](char c) { return !continues_code_point(c); }));
}

Location Located::position(std::size_t offset) const {
  if (offset < map.size()) return map[offset];
  if (!map.empty()) return map.back();
  return {at.line, at.column + code_points(text, offset)};
}

TomlText::TomlText(const PlanText& plan) : plan_(plan), starts_{0} {
  for (std::size_t i = 0; i < plan.toml.size(); ++i) {
    if (plan.toml[i] == '\n') starts_.push_back(i + 1);
  }
}

Located TomlText::locate(std::string text, int line, int column) const {
  Located located{.text = std::move(text), .at = plan_.in_candidate(line, column)};
  if (line < 1 || static_cast<std::size_t>(line) > starts_.size()) return located;
  const std::string_view toml = plan_.toml;
  Walker walker(toml, starts_[static_cast<std::size_t>(line) - 1], line, 1);
  while (walker.line() == line && walker.column() < column && !walker.done()) walker.step();
  const char quote = walker.peek();
  if (quote != '"' && quote != '\'') return located;
  const bool multiline = walker.peek(1) == quote && walker.peek(2) == quote;
  walker.step(multiline ? 3 : 1);
  if (multiline && walker.peek() == '\r') walker.step();
  if (multiline && walker.peek() == '\n') walker.step();
  located.at = plan_.in_candidate(walker.line(), walker.column());

  // One place a byte of the value; kept only where they do not simply follow each other.
  std::vector<Location> map;
  bool plain = true;
  const auto here = [&] { return plan_.in_candidate(walker.line(), walker.column()); };
  while (map.size() < located.text.size() && !walker.done()) {
    if (walker.peek() == '\\' && quote == '"') {
      plain = false;
      const char escape = walker.peek(1);
      if (escape == 'u' || escape == 'U') {
        const std::size_t digits = escape == 'u' ? 4 : 8;
        map.insert(map.end(), hex_escape_bytes(walker.rest().substr(2, digits)), here());
        walker.step(2 + digits);
      } else if (escape == '\n' || escape == ' ' || escape == '\t' || escape == '\r') {
        walker.step();
        while (walker.peek() == '\n' || walker.peek() == ' ' || walker.peek() == '\t' || walker.peek() == '\r')
          walker.step();
      } else {
        map.push_back(here());
        walker.step(2);
      }
      continue;
    }
    if (walker.peek() == '\n') plain = false;
    map.push_back(here());
    walker.step();
  }
  if (plain || map.size() != located.text.size()) return located;
  map.push_back(here());
  located.map = std::move(map);
  return located;
}

}  // namespace kerf
