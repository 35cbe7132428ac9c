#include "candidate/python_literal.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <cstdint>
#include <variant>
#include <vector>

namespace kerf {

std::string python_block(std::string_view text) {
  if (text.find("'''") == std::string_view::npos && !text.ends_with('\\') && !text.ends_with('\'') &&
      text.find('\r') == std::string_view::npos) {
    return fmt::format("r'''{}'''", text);
  }
  std::string escaped;
  for (const char c : text) {
    if (c == '\\' || c == '\'') escaped += '\\';
    if (c == '\r')
      escaped += "\\r";
    else
      escaped += c;
  }
  return fmt::format("'''{}'''", escaped);
}

std::string python_string(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '\\' || c == '"') escaped += '\\';
    if (c == '\n')
      escaped += "\\n";
    else
      escaped += c;
  }
  return fmt::format("\"{}\"", escaped);
}

std::string python_literal(const Value& value) {
  struct Speller {
    std::string operator()(std::monostate) const { return "None"; }
    std::string operator()(bool v) const { return v ? "True" : "False"; }
    std::string operator()(std::int64_t v) const { return fmt::format("{}", v); }
    std::string operator()(double v) const {
      if (!std::isfinite(v)) return fmt::format("float(\"{}\")", v);
      const std::string text = fmt::format("{}", v);
      return text.find_first_of(".e") == std::string::npos ? text + ".0" : text;
    }
    std::string operator()(const std::string& v) const { return python_string(v); }
    std::string operator()(const ValueList& v) const {
      std::vector<std::string> items;
      for (const Value& item : v) items.push_back(python_literal(item));
      return fmt::format("[{}]", fmt::join(items, ", "));
    }
  };
  return std::visit(Speller{}, value.is);
}

}  // namespace kerf
