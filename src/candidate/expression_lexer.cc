#include "candidate/expression_lexer.h"

#include <fmt/format.h>

#include <charconv>
#include <string>
#include <system_error>

#include "candidate/identifiers.h"
#include "candidate/plan_error.h"

namespace kerf {

namespace {

bool called(std::string_view rest) {
  const std::size_t next = rest.find_first_not_of(' ');
  return next != std::string_view::npos && rest[next] == '(';
}

}  // namespace

Result<ExpressionToken> ExpressionLexer::next(bool attribute) {
  while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r'))
    ++at_;
  ExpressionToken token{.offset = at_};
  if (at_ == text_.size()) return token;
  const std::string_view rest = text_.substr(at_);
  const char c = rest.front();
  if (!attribute && is_name_part(c)) {
    if (const auto name = names_.longest_prefix(rest)) {
      const std::string& spelled = names_.text(*name);
      // A name that a function has, too, is the function where a parenthesis follows.
      if (!(is_function(spelled) && called(rest.substr(spelled.size())))) {
        token.kind = ExpressionToken::Kind::name;
        token.name = *name;
        return take(token, spelled.size());
      }
    }
  }
  if ((c >= '0' && c <= '9') || (c == '.' && rest.size() > 1 && rest[1] >= '0' && rest[1] <= '9'))
    return number(token, rest);
  if (is_name_part(c)) {
    std::size_t size = 1;
    while (size < rest.size() && is_name_part(rest[size])) ++size;
    token.kind = ExpressionToken::Kind::word;
    return take(token, size);
  }
  if (c == '"' || c == '\'') return quoted(token, rest);
  static constexpr std::string_view two[] = {"**", "//", "<=", ">=", "==", "!="};
  token.kind = ExpressionToken::Kind::symbol;
  for (const std::string_view symbol : two) {
    if (rest.starts_with(symbol)) return take(token, 2);
  }
  if (std::string_view("+-*/%<>()[],.").find(c) != std::string_view::npos) return take(token, 1);
  return refuse("expression", fmt::format("found `{}`: no part of an expression", c), located_.position(at_));
}

ExpressionToken ExpressionLexer::take(ExpressionToken token, std::size_t size) {
  token.text = text_.substr(at_, size);
  at_ += size;
  return token;
}

Result<ExpressionToken> ExpressionLexer::number(ExpressionToken token, std::string_view rest) {
  token.kind = ExpressionToken::Kind::number;
  std::string digits;
  std::size_t size = 0;
  bool real = false;
  for (; size < rest.size(); ++size) {
    const char c = rest[size];
    const bool sign = (c == '+' || c == '-') && !digits.empty() && (digits.back() == 'e' || digits.back() == 'E');
    if (c == '_' && size + 1 < rest.size() && rest[size + 1] >= '0' && rest[size + 1] <= '9') continue;
    if (!is_name_part(c) && c != '.' && !sign) break;
    real = real || c == '.' || c == 'e' || c == 'E';
    digits += c;
  }
  const char* end = digits.data() + digits.size();
  const auto wrong = [&](std::string_view why) {
    return refuse("expression", fmt::format("`{}` {}", rest.substr(0, size), why), located_.position(at_));
  };
  if (real) {
    double value = 0;
    const auto [stop, error] = std::from_chars(digits.data(), end, value);
    if (error == std::errc::result_out_of_range) return wrong("does not fit a float");
    if (error != std::errc() || stop != end) return wrong("is no number");
    token.value = Value{value};
  } else {
    std::int64_t value = 0;
    const auto [stop, error] = std::from_chars(digits.data(), end, value);
    if (error == std::errc::result_out_of_range) return wrong("does not fit an integer of 64 bits");
    if (error != std::errc() || stop != end) return wrong("is no number");
    token.value = Value{value};
  }
  return take(token, size);
}

Result<ExpressionToken> ExpressionLexer::quoted(ExpressionToken token, std::string_view rest) {
  const std::size_t end = rest.find(rest.front(), 1);
  if (end == std::string_view::npos) return refuse("expression", "a string without its end", located_.position(at_));
  const std::string_view body = rest.substr(1, end - 1);
  if (body.find('\\') != std::string_view::npos) {
    return refuse("expression", "a backslash in a string: strings of expressions have no escapes",
                  located_.position(at_));
  }
  token.kind = ExpressionToken::Kind::text;
  token.value = Value{std::string(body)};
  return take(token, end + 1);
}

}  // namespace kerf
